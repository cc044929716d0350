/** The share of places at which two lists have the same, over the longer one's length; two empty ones agree. */
export function agreement<T>(a: readonly T[], b: readonly T[]): number {
  const length = Math.max(a.length, b.length);
  return length === 0 ? 1 : a.filter((one, at) => at < b.length && one === b[at]).length / length;
}
