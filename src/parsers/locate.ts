// Finds the first of several markers in a text that may still grow.

export interface Where {
  readonly from?: number; // 0 when absent
  readonly to?: number; // the last place where a marker may begin
  readonly canGrow: boolean;
}

export interface Hit {
  readonly at: number;
  readonly marker: string | undefined; // undefined: one may stand here once the text has grown
}

/** Of several markers the one that begins first wins, of those the longest; so what is found does not depend on how the text was cut. */
export function locate(text: string, markers: readonly string[], { from = 0, to = Infinity, canGrow }: Where): Hit | undefined {
  for (let at = from; at < text.length && at <= to; at++) {
    if (!markers.some(marker => marker[0] === text[at])) continue;
    const left = text.length - at;
    if (canGrow && markers.some(marker => marker.length > left && marker.startsWith(text.slice(at)))) return { at, marker: undefined };
    const here = markers.filter(marker => text.startsWith(marker, at));
    if (here.length > 0) return { at, marker: here.reduce((longest, marker) => (marker.length > longest.length ? marker : longest)) };
  }
  return canGrow && to >= text.length && to !== Infinity ? { at: text.length, marker: undefined } : undefined;
}
