// A served model as Ollama's lists and /api/show tell it.
export interface ModelFacts {
  readonly id: string;
  readonly created: number; // seconds
  readonly info:
    | { readonly modelType: string; readonly parameters: number; readonly bytes: number; readonly quantization: string; readonly width?: number }
    | undefined; // until it is loaded
  readonly contextLength: number;
  readonly template: string;
  readonly capabilities: readonly ("completion" | "tools" | "thinking" | "embedding")[];
}

/** Ollama's names end in a tag. */
const tagged = (id: string) => (id.includes(":") ? id : `${id}:latest`);

/** The id that a client means: as it is told, or without the tag that `tagged` adds. */
export function readName(name: string | undefined, known: readonly string[]): string | undefined {
  return name === undefined || known.includes(name) ? name : name.replace(/:latest$/, "");
}

export function toTag(facts: ModelFacts) {
  const { id, created, info } = facts;
  const name = tagged(id);
  const digest = new Bun.CryptoHasher("sha256").update(JSON.stringify([id, info])).digest("hex");
  return { name, model: name, modified_at: toTime(created), size: info?.bytes ?? 0, digest, details: detailsOf(facts) };
}

/** It never expires; Ollama's clients know that by a time far away. */
export function toRunning(facts: ModelFacts) {
  const { modified_at: _, ...tag } = toTag(facts);
  return { ...tag, expires_at: "2318-01-01T00:00:00Z", size_vram: tag.size, context_length: facts.contextLength };
}

export function toShow(facts: ModelFacts) {
  const { id, created, info, contextLength, template, capabilities } = facts;
  const family = info?.modelType ?? "";
  return {
    modelfile: `FROM ${id}\n`,
    parameters: "",
    template,
    details: detailsOf(facts),
    model_info: {
      "general.architecture": family,
      "general.parameter_count": info?.parameters ?? 0,
      [`${family}.context_length`]: contextLength,
      ...(info?.width !== undefined && { [`${family}.embedding_length`]: info.width }),
    },
    capabilities,
    modified_at: toTime(created),
  };
}

function detailsOf({ info }: ModelFacts) {
  const family = info?.modelType ?? "";
  return {
    parent_model: "",
    format: "safetensors",
    family,
    families: [family],
    parameter_size: sizeOf(info?.parameters ?? 0),
    quantization_level: info?.quantization ?? "",
  };
}

function sizeOf(parameters: number): string {
  return parameters >= 1e9 ? `${(parameters / 1e9).toFixed(1)}B` : `${(parameters / 1e6).toFixed(1)}M`;
}

function toTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
