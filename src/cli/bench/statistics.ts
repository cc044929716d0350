// Means, percentiles and confidence intervals of measured numbers. Pure.

export interface Summary {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface Interval {
  readonly mean: number;
  readonly stdev: number; // of the sample; 0 for a single value
  readonly low: number;
  readonly high: number;
}

/** Of the standard normal distribution, two-sided. */
const QUANTILES = { "0.90": 1.645, "0.95": 1.96, "0.99": 2.576 } as const;
export type Confidence = keyof typeof QUANTILES;
export const confidences = Object.keys(QUANTILES) as Confidence[];

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The value below which that share of all values lies, between neighbours in a straight line; NaN of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return below === undefined || above === undefined ? NaN : below + (above - below) * (place - Math.floor(place));
}

export function summary(values: readonly number[]): Summary {
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map(share => percentile(values, share)) as [number, number, number];
  return { mean: mean(values), min: Math.min(...values), max: Math.max(...values), p50, p95, p99 };
}

/** Where the mean of shares lies with that confidence, never outside 0 to 1. One value has no spread. */
export function interval(shares: readonly number[], confidence: Confidence): Interval {
  const middle = mean(shares);
  const variance = shares.length < 2 ? 0 : shares.reduce((sum, share) => sum + (share - middle) ** 2, 0) / (shares.length - 1);
  const stdev = Math.sqrt(variance);
  const reach = (QUANTILES[confidence] * stdev) / Math.sqrt(shares.length);
  return { mean: middle, stdev, low: Math.max(0, middle - reach), high: Math.min(1, middle + reach) };
}
