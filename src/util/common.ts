/** How many numbers two runs begin with in common. */
export function common(a: Uint32Array, b: Uint32Array): number {
  const most = Math.min(a.length, b.length);
  let n = 0;
  while (n < most && a[n] === b[n]) n += 1;
  return n;
}
