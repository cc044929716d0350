// How near the device's memory is to its end, and what that means for new requests.

import type { PressureReport } from "../engine/protocol.ts";

export type PressureAction = PressureReport["action"];

export interface PressureOptions {
  readonly warnPercent: number;
  readonly limitPercent: number;
  readonly action: PressureAction;
  readonly totalBytes: number; // 0 when it is not known
  readonly log: (line: string) => void;
}

const STABLE_BYTES = 256 * 2 ** 20; // a change of less is none

export class Pressure {
  private state: PressureReport["state"] = "unknown";
  private trend: PressureReport["trend"] = "unknown";
  private bytes: number | undefined;

  constructor(private readonly options: PressureOptions) {}

  /** Takes note of the bytes in use; a change of state is logged. */
  poll(bytes: number): void {
    const { totalBytes, warnPercent, limitPercent, action, log } = this.options;
    const change = this.bytes === undefined ? undefined : bytes - this.bytes;
    this.trend = change === undefined ? "unknown" : Math.abs(change) <= STABLE_BYTES ? "stable" : change > 0 ? "growing" : "declining";
    this.bytes = bytes;
    const percent = this.percent;
    const before = this.state;
    this.state = percent === undefined ? "unknown" : percent >= limitPercent ? "critical" : percent >= warnPercent ? "elevated" : "normal";
    if (this.state === before || totalBytes === 0) return;
    if (this.state === "critical" || this.state === "elevated")
      log(
        `memory: ${percent!.toFixed(1)} % of the device's memory is in use, which is ${this.state}${this.state === "critical" ? `: ${meanings[action]}` : ""}`,
      );
    else if (before !== "unknown") log(`memory: ${percent!.toFixed(1)} % of the device's memory is in use, which is normal again`);
  }

  get critical(): boolean {
    return this.state === "critical";
  }

  /** Whether new requests are to be refused. */
  get rejects(): boolean {
    return this.critical && this.options.action === "reject-new";
  }

  get maxTokensFactor(): number {
    return this.critical && this.options.action === "reduce-context" ? 0.5 : 1;
  }

  get report(): PressureReport {
    const { state, trend, percent, maxTokensFactor } = this;
    return { state, trend, percent, action: this.options.action, maxTokensFactor };
  }

  private get percent(): number | undefined {
    const { totalBytes } = this.options;
    return this.bytes === undefined || totalBytes === 0 ? undefined : (this.bytes / totalBytes) * 100;
  }
}

const meanings: Record<PressureAction, string> = {
  warn: "new requests are taken all the same",
  "reduce-context": "new answers may be half as long",
  "reject-new": "new requests are refused while others run",
};
