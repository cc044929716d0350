// Tool calls of gpt-oss: messages in a channel that are addressed to a function,
// <|channel|>commentary to=functions.f <|constrain|>json<|message|>{…}<|call|>. The other channels are the reasoning parser's.
import { toolFormat, type CallContext, type Found } from "../call-machine.ts";
import { readArguments } from "../json/read.ts";
import type { Reading } from "../source.ts";

const start = "<|start|>";
const channel = "<|channel|>";
const constrain = "<|constrain|>";
const message = "<|message|>";
const ends = ["<|call|>", "<|end|>", "<|return|>"];

export const harmonyMarkers = [start, channel, constrain, message, ...ends];

export const harmonyTools = toolFormat({
  name: "harmony",
  aliases: ["gpt-oss", "gpt_oss", "openai"],
  markers: harmonyMarkers,
  stops: ["<|call|>"],
  detect: ({ template, hasToken }) => template.includes(channel) || (hasToken(channel) && hasToken(message)),
  grammar: {
    openers: [start, channel, "to=functions."],
    closers: ends.slice(0, 1),
    call: readHarmony,
  },
  syntax: {
    between: `<|call|>${start}assistant`,
    before: name => `${channel}commentary to=functions.${name} ${constrain}json${message}`,
    after: "",
  },
});

/** The address stands before or behind the channel. */
function* readHarmony({ source }: CallContext, opener: string): Reading<Found> {
  const head = yield* source.until([message, ...ends, ...(opener === start ? [] : [start])], 256);
  if (head?.marker !== message) return "text";
  const name = opener.startsWith("to=") ? /^[\w.-]+/.exec(head.text)?.[0] : /\bto=(?:functions\.)?([\w.-]+)/.exec(head.text)?.[1];
  if (!name || /^(assistant|user|all)$/.test(name)) return "text";
  return (yield* readArguments(source, { name }, ends)) ? "call" : "text";
}
