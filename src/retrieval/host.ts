// Which encoder answers: the one that the server was started with and no other, or the one that clients named last.
import { ApiError } from "../chat/error.ts";
import { EngineRefused } from "../engine/child.ts";
import { TokenizerError } from "../tokenizer/error.ts";
import type { EncoderService } from "./service.ts";

export interface HostOptions {
  readonly flag: string; // that names the encoder at the start
  readonly locked?: EncoderService; // serves alone
  readonly aliases?: readonly string[]; // further names of the locked one
  /** Opens an encoder that a client named; undefined where there is none of that name. */
  readonly open?: (name: string) => EncoderService | undefined;
}

export class EncoderHost {
  private current: EncoderService | undefined;
  private opening: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: HostOptions) {
    this.current = options.locked;
  }

  get loaded(): readonly EncoderService[] {
    return this.current ? [this.current] : [];
  }

  /** The encoder of that name, loaded. Another name than the last one's replaces that, once it is loaded and what runs has finished. */
  async find(name: string | undefined): Promise<EncoderService> {
    const { locked, aliases = [], flag } = this.options;
    if (locked !== undefined) {
      if (name === undefined || name === "default" || name === locked.id || aliases.includes(name)) return loaded(locked);
      throw new ApiError(400, `This server was started with ${flag} ${locked.id} and serves no other; '${name}' is not loaded.`, {
        code: "model_locked",
        param: "model",
      });
    }
    if (name === undefined || name === "default") {
      if (this.current !== undefined) return this.current;
      throw this.nothing(name);
    }
    const turn = this.opening.then(() => this.replace(name));
    this.opening = turn.catch(() => {}); // whoever waits for this turn hears of it
    return turn;
  }

  /** Running requests finish and new ones are refused; resolves when no engine is left. */
  async drain(): Promise<void> {
    await this.opening;
    this.current?.close();
    await this.current?.engine.drain();
  }

  /** Ends everything at once. */
  async close(): Promise<void> {
    this.current?.close();
    await this.current?.engine.close();
  }

  private async replace(name: string): Promise<EncoderService> {
    const last = this.current;
    if (last?.id === name) return last;
    const next = this.openNamed(name);
    if (next === undefined) throw this.nothing(name);
    try {
      await loaded(next);
    } catch (error) {
      next.close();
      await next.engine.close();
      throw error;
    }
    this.current = next;
    last?.close();
    void last?.engine.drain();
    return next;
  }

  private openNamed(name: string): EncoderService | undefined {
    try {
      return this.options.open?.(name);
    } catch (error) {
      if (error instanceof TokenizerError) throw unusable(name, error.message);
      throw error;
    }
  }

  private nothing(name: string | undefined): ApiError {
    const { flag } = this.options;
    const what = name === undefined || name === "default" ? "No such model is loaded" : `The model '${name}' is not on this machine`;
    return new ApiError(404, `${what}: start the server with ${flag} FOLDER, or name a model that the Hugging Face cache holds, such as org/name.`, {
      code: "model_not_found",
      param: "model",
    });
  }
}

async function loaded(service: EncoderService): Promise<EncoderService> {
  try {
    await service.engine.ready;
    return service;
  } catch (error) {
    if (error instanceof EngineRefused) throw unusable(service.id, error.message);
    throw error;
  }
}

function unusable(name: string, message: string): ApiError {
  return new ApiError(400, `The model '${name}' cannot be used here: ${message}`, { code: "invalid_model", param: "model" });
}
