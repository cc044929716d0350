// The HTTP process's side of one engine: starts the process, restarts it when it dies, and turns messages into one iterable per sequence.
import type { EngineStats, ModelInfo, StepRow, Submit } from "./protocol.ts";

export type SequenceRequest = Omit<Submit, "type" | "id">;

/** What the rest of the HTTP process knows of an engine. Tests pass a scripted one. */
export interface Engine {
  /** Undefined until the engine was ready once; kept while it restarts. */
  readonly info: ModelInfo | undefined;
  readonly state: "starting" | "ready" | "restarting" | "stopping";
  /**
   * One sequence from submission to its end. The iterable ends after the row with `finish`, or throws EngineError.
   * Aborting the signal, or leaving the loop early, aborts the sequence within one step.
   */
  generate(request: SequenceRequest, signal: AbortSignal): AsyncIterable<StepRow>;
  stats(): Promise<EngineStats>;
}
