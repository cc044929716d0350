// Raw model outputs and what must be found in them, one file per format in corpus/.
//
//   # name of the case, and in brackets what is not usual
//   the raw output, up to a line
//   =>
//   then what comes out, in order: text "…", reasoning "…", call NAME ARGUMENTS, broken NAME "ARGUMENTS"
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { ReasoningParser, ToolParser, ToolSchema, Piece } from "../../src/parsers/types.ts";

export interface Case {
  readonly name: string;
  /** open: the prompt opened the reasoning. spelled: the markers are spelled out where the vocabulary has them as tokens. */
  readonly flags: ReadonlySet<string>;
  readonly raw: string;
  readonly expected: readonly string[];
}

/** The reasoning format that models with these calls have. */
export function reasoningOf(tools: string): string {
  return ["harmony", "mistral", "gemma4", "seed_oss"].includes(tools) ? tools : "think";
}

const folder = join(import.meta.dirname, "corpus");

export function readCorpus(): Map<string, Case[]> {
  const files = readdirSync(folder).filter(file => file.endsWith(".txt"));
  return new Map(files.map(file => [basename(file, ".txt"), parseCases(readFileSync(join(folder, file), "utf8"))]));
}

function parseCases(source: string): Case[] {
  return source
    .split(/^# /m)
    .slice(1)
    .map(part => {
      const [title = "", ...lines] = part.split("\n");
      const arrow = lines.indexOf("=>");
      if (arrow < 0) throw new Error(`no => in "${title}"`);
      const [, name = "", flags = ""] = /^(.*?)(?: \[(.*)\])?$/.exec(title)!;
      return {
        name,
        flags: new Set(flags.split(", ").filter(Boolean)),
        raw: lines.slice(0, arrow).join("\n"),
        expected: lines.slice(arrow + 1).filter(line => line !== ""),
      };
    });
}

/** The tools that all cases are read with. */
export const corpusTools: readonly ToolSchema[] = [
  {
    name: "get_weather",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" }, units: { enum: ["c", "f"] }, detailed: { type: "boolean" } },
    },
  },
  { name: "write_file", parameters: { type: "object", properties: { path: { type: "string" }, content: { type: "string" } } } },
  { name: "ping", parameters: { type: "object", properties: {} } },
  {
    name: "plot",
    parameters: {
      type: "object",
      properties: { points: { type: "array", items: { type: "number" } }, style: { type: "object" }, title: { type: ["string", "null"] } },
    },
  },
];

type Line = [kind: string, name: string, text: string];

/** What the machines find, in the notation of the corpus. */
export function describePieces(pieces: readonly Piece[], tools: ToolParser | undefined, reasoning: ReasoningParser | undefined): string[] {
  const lines: Line[] = [];
  const say = (kind: string, text: string) => {
    const last = lines.at(-1);
    if (last?.[0] === kind) last[2] += text;
    else lines.push([kind, "", text]);
  };
  const read = (piece: Piece) => {
    if (!reasoning) say("text", piece.text);
    else for (const { type, text } of reasoning.feed(piece)) say(type, text);
  };
  const take = (events: ReturnType<ToolParser["feed"]>) => {
    for (const event of events) {
      if (event.type === "text") read(event);
      else if (event.type === "call") {
        for (const { type, text } of reasoning?.call() ?? []) say(type, text);
        lines.push(["open", event.id === undefined ? event.name : `${event.name} ${event.id}`, ""]);
      } else if (event.type === "arguments") lines.at(-1)![2] += event.text;
      else lines.at(-1)![0] = event.valid ? "call" : "broken";
    }
  };
  for (const piece of pieces) take(tools ? tools.feed(piece) : [{ type: "text", ...piece }]);
  if (tools) take(tools.end());
  for (const { type, text } of reasoning?.end() ?? []) say(type, text);
  return lines.map(toLine);
}

function toLine([kind, name, text]: Line): string {
  return kind === "call" ? `call ${name} ${text.replaceAll("\n", "\\n")}` : [kind, name, JSON.stringify(text)].filter(Boolean).join(" ");
}
