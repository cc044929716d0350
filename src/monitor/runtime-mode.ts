// Whether requests run together. Batching costs a lone request nothing, so `simple` is a choice of the user and no other engine:
// one row at a time. `auto` begins so, and batches from the moment on that as many requests meet as the threshold says.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export interface ModeWishes {
  readonly requested: "auto" | "simple" | "batched";
  readonly continuousBatching: boolean;
  readonly threshold: number; // requests at a time
  readonly observed: number | undefined; // most that an earlier run has seen
  readonly deterministic: boolean; // then an engine on a GPU runs one request at a time whatever is decided here
}

export interface Mode {
  readonly mode: "simple" | "batched";
  readonly widenAt: number | undefined; // requests at a time from which on a simple start becomes batched
  readonly reason: string;
}

export function decideMode({ requested, continuousBatching, threshold, observed, deterministic }: ModeWishes): Mode {
  const fixed = (mode: Mode["mode"], reason: string): Mode => ({ mode, widenAt: undefined, reason });
  if (requested !== "auto") return fixed(requested, `--runtime-mode ${requested}`);
  if (deterministic) return fixed("batched", "--deterministic, which batches do not change on the CPU");
  if (continuousBatching) return fixed("batched", "--continuous-batching");
  if (observed !== undefined && observed >= threshold) return fixed("batched", `${observed} requests at a time were seen before`);
  return { mode: "simple", widenAt: threshold, reason: `batches as soon as ${threshold} requests meet` };
}

/** The most requests at a time that earlier runs saw; undefined when there is no readable record. */
export function readPeak(file: string): number | undefined {
  try {
    const { observed_peak_concurrency: peak } = JSON.parse(readFileSync(file, "utf8")) as { observed_peak_concurrency?: unknown };
    return typeof peak === "number" && Number.isSafeInteger(peak) && peak > 0 ? peak : undefined;
  } catch {
    return undefined; // a record that is missing or broken is none: it only saves a warm start
  }
}

/** Records a run's peak, and the highest of all; a run that served nothing leaves the record as it is. Throws what the system throws. */
export function writePeak(file: string, peak: number, now: number): void {
  if (peak <= 0) return;
  const record = {
    last_run_peak_concurrency: peak,
    observed_peak_concurrency: Math.max(peak, readPeak(file) ?? 0),
    updated_at_epoch: Math.floor(now / 1000),
  };
  mkdirSync(dirname(file), { recursive: true });
  const partial = `${file}.${process.pid}`;
  writeFileSync(partial, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(partial, file);
}
