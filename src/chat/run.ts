// From a decoded request to its events: prompt, one sequence for each choice, and the answers read as they come.
// Each choice ends exactly once: with `finish`, with the failure that ends them all, or silently when the signal was aborted.
import type { SequenceRequest } from "../engine/client.ts";
import { EngineError } from "../engine/error.ts";
import type { Grammar, Sampling, StepRow, ThinkingBudget } from "../engine/protocol.ts";
import type { ToolFormat } from "../parsers/types.ts";
import { messageFinder, toPrefixReport } from "./diagnose.ts";
import { checkBegun } from "./begun.ts";
import { pickBest } from "./best-of.ts";
import { fillIn, type FillIn } from "./fill-in.ts";
import { chatGrammar, textGrammar } from "./grammar.ts";
import { joinEvents } from "./join-events.ts";
import { checkPrompt, maxTokensFor, toIds } from "./limits.ts";
import { merge } from "./merge.ts";
import { renderChat, type Rendered } from "./render.ts";
import { toSamplings } from "./sampling.ts";
import type { Service } from "./service.ts";
import { checkThinkingBudget, thinkingBudgetOf } from "./thinking.ts";
import { AnswerReader, countCodePoints, toTextLogprob } from "./stream.ts";
import type { ChatEvent, ChatFinish, ChatRequest, CompletionRequest, Generation, TextLogprob, Usage } from "./types.ts";

interface Choice {
  readonly service: Service;
  readonly choice: number;
  readonly prompt: Uint32Array;
  readonly generation: Generation;
  readonly sampling: Sampling;
  readonly grammar: Grammar | undefined;
  readonly promptLogprobs?: number | undefined;
  readonly reader: AnswerReader;
  readonly thinking?: ThinkingBudget | undefined;
  /** What comes between `start` and the answer. */
  readonly preface?: (row: StepRow) => ChatEvent[];
  readonly messageAt?: (token: number) => Promise<number | undefined>;
}

export interface Prepared extends Rendered {
  readonly grammar: Grammar | undefined;
}

/** A chat's prompt, ready for the engine. Throws ApiError when the model cannot take the request. */
export async function prepareChat(service: Service, request: ChatRequest): Promise<Prepared> {
  checkThinkingBudget(service, request.generation);
  checkBegun(request);
  const rendered = await renderChat(service, request);
  checkPrompt(service, rendered.ids, request.generation, "messages");
  return { ...rendered, grammar: await chatGrammar(service, request, rendered) };
}

/** Throws ApiError before the first event, EngineError at any time. */
export async function* runChat(service: Service, request: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
  yield* answerChat(service, request, await prepareChat(service, request), signal);
}

/** Throws EngineError at any time. */
export async function* answerChat(service: Service, request: ChatRequest, prepared: Prepared, signal: AbortSignal): AsyncGenerator<ChatEvent> {
  const { generation, tools, choices, continues = false } = request;
  const { ids: prompt, startsInReasoning, grammar } = prepared;
  const { tokenizer, toolFormat, reasoningFormat } = service;
  const parsesTools = toolFormat !== undefined && tools.length > 0 && request.toolChoice !== "none";
  const reasons = reasoningFormat !== undefined && (startsInReasoning || !continues); // the client's part has ended or left out thinking
  const stopIds = parsesTools ? [...generation.stopIds, ...toolStops(service, toolFormat)] : generation.stopIds;
  const parts = toSamplings(service, generation, choices).map((sampling, choice): Choice => {
    const reader = new AnswerReader({
      tokenizer,
      choice,
      stop: generation.stop,
      tools: parsesTools ? { format: toolFormat, offered: tools, parallel: request.parallelToolCalls, earlierIds: callIds(request) } : undefined,
      reasoning: reasons ? { format: reasoningFormat, startsOpen: startsInReasoning } : undefined,
      continues,
    });
    const messageAt = messageFinder(service, request, prompt);
    const thinking = reasons
      ? thinkingBudgetOf(service, generation, { startsOpen: startsInReasoning, held: grammar !== undefined && isHeld(request) })
      : undefined;
    return { service, choice, prompt, generation: { ...generation, stopIds }, sampling, grammar, reader, thinking, messageAt };
  });
  yield* runChoices(parts, signal);
}

/** Whether nothing of an answer is free but its thinking. */
function isHeld({ generation, toolChoice }: ChatRequest): boolean {
  return generation.constraint !== undefined || (toolChoice !== "auto" && toolChoice !== "none");
}

function toolStops({ tokenizer }: Service, { stops = [] }: ToolFormat): number[] {
  return stops.map(stop => tokenizer.addedId(stop)).filter(id => id !== undefined);
}

function callIds({ messages }: ChatRequest): string[] {
  return messages.flatMap(message => (message.role === "assistant" ? (message.toolCalls ?? []).map(call => call.id) : []));
}

/** Plain completions: no template, no parsing. Choice `p * n + c` is the c-th of the p-th prompt. */
export async function* runCompletion(service: Service, request: CompletionRequest, signal: AbortSignal): AsyncGenerator<ChatEvent> {
  const { choices, candidates = choices, echo, promptLogprobs } = request;
  const ranked = candidates > choices;
  const parts: Choice[] = [];
  const grammar = await textGrammar(service, request.generation.constraint);
  for (const given of request.prompts) {
    const { prompt, stopIds } = await completionPrompt(service, given, request.suffix);
    checkPrompt(service, prompt, request.generation, "prompt");
    const generation = withRanking({ ...request.generation, stopIds: [...request.generation.stopIds, ...stopIds] }, ranked);
    for (const sampling of toSamplings(service, generation, candidates))
      parts.push(completionChoice(service, { ...request, generation }, { given, prompt, sampling, grammar, choice: parts.length }));
  }
  const events = runChoices(parts, signal);
  if (!ranked) yield* events;
  else yield* pickBest(events, { choices, candidates, promptHasLogprobs: echo && promptLogprobs !== undefined });
}

async function completionPrompt(service: Service, given: string | readonly number[], suffix: string | undefined): Promise<FillIn> {
  if (suffix !== undefined) return fillIn(service, given, suffix);
  const prompt = typeof given === "string" ? await service.encode(given, { specialTokens: true }) : toIds(given, service.vocabSize);
  return { prompt, stopIds: [] };
}

/** Candidates are ranked by their log probabilities, whether they are shown or not. */
function withRanking(generation: Generation, ranked: boolean): Generation {
  return ranked ? { ...generation, logprobs: generation.logprobs ?? 0 } : generation;
}

interface Prompted {
  readonly given: string | readonly number[];
  readonly prompt: Uint32Array;
  readonly sampling: Sampling;
  readonly grammar: Grammar | undefined;
  readonly choice: number;
}

function completionChoice(service: Service, request: CompletionRequest, { given, prompt, sampling, grammar, choice }: Prompted): Choice {
  const { tokenizer } = service;
  const { generation, echo, promptLogprobs } = request;
  const echoed = !echo ? "" : typeof given === "string" ? given : tokenizer.decode(prompt, { skipSpecial: true });
  const reader = new AnswerReader({ tokenizer, choice, stop: generation.stop, continues: true, textOffset: countCodePoints(echoed) });
  const preface = (row: StepRow): ChatEvent[] => {
    const events: ChatEvent[] = echoed === "" ? [] : [{ type: "text", choice, text: echoed }];
    if (echo && row.promptLogprobs) events.push({ type: "logprobs", choice, tokens: echoedLogprobs(service, prompt, row.promptLogprobs) });
    return events;
  };
  return { service, choice, prompt, generation, sampling, grammar, reader, preface, promptLogprobs: echo ? promptLogprobs : undefined };
}

function echoedLogprobs({ tokenizer }: Service, prompt: Uint32Array, logprobs: NonNullable<StepRow["promptLogprobs"]>): TextLogprob[] {
  const stream = tokenizer.stream({ hidden: id => tokenizer.isSpecial(id) });
  let offset = 0;
  return Array.from(prompt, (id, at) => {
    const start = offset;
    offset += countCodePoints(stream.push(id));
    const logprob = logprobs[at];
    if (logprob) return toTextLogprob(tokenizer, logprob, start);
    return { token: null, text: tokenizer.visible(id), bytes: tokenizer.piece(id).bytes, top: [], offset: start };
  });
}

async function* runChoices(parts: readonly Choice[], signal: AbortSignal): AsyncGenerator<ChatEvent> {
  const left = new AbortController(); // the reader of the events has left, or one of the choices failed
  const either = AbortSignal.any([signal, left.signal]);
  try {
    yield* merge(parts.map(part => runChoice(part, either)));
  } finally {
    left.abort();
  }
}

async function* runChoice(part: Choice, signal: AbortSignal): AsyncGenerator<ChatEvent> {
  const { service, choice, prompt, reader } = part;
  let completionTokens = 0;
  let cachedTokens: number | undefined;
  let repetition: string | undefined;
  const finish = (ended: ChatFinish): ChatEvent => {
    const reason = ended === "stop" && reader.calls > 0 ? "tool_calls" : ended;
    const usage: Usage = { promptTokens: prompt.length, cachedTokens: cachedTokens ?? 0, completionTokens, reasoningTokens: reader.reasoningTokens };
    return {
      type: "finish",
      choice,
      reason,
      ...(reader.stopString !== undefined && { stopString: reader.stopString }),
      ...(repetition !== undefined && { repetition }),
      usage,
    };
  };
  for await (const row of service.engine.generate({ ...toSequence(part), ...(service.adapter && { adapter: service.adapter }) }, signal)) {
    if (row.finish === "abort") break;
    if (cachedTokens === undefined) {
      cachedTokens = row.cachedTokens ?? 0;
      const prefix = await toPrefixReport(service, prompt, row, part.messageAt);
      yield { type: "start", choice, promptTokens: prompt.length, cachedTokens, ...(prefix && { prefix }) };
      yield* part.preface?.(row) ?? [];
    }
    const events: ChatEvent[] = [];
    for (const [at, id] of row.ids.entries()) {
      completionTokens++;
      const endsSequence = row.finish === "stop" && row.repetition === undefined && at === row.ids.length - 1;
      if (!endsSequence) events.push(...reader.take(id, row.logprobs?.[at]));
      if (reader.finished) break;
    }
    if (row.finish) events.push(...reader.end());
    yield* joinEvents(events);
    if (reader.finished) return yield finish(reader.finished); // leaving the loop aborts the sequence
    if (!row.finish) continue;
    repetition = row.repetition;
    return yield finish(row.finish);
  }
  if (!signal.aborted) throw new EngineError("engine_lost", "The engine left the request unfinished.");
}

function toSequence({ service, prompt, generation, sampling, grammar, promptLogprobs, thinking }: Choice): SequenceRequest {
  const { logprobs, ignoreEos, minTokens, diagnose, priority, user } = generation;
  const repetition = generation.repetition ?? (ignoreEos || grammar ? ("off" as const) : undefined); // neither may be cut short
  return {
    prompt,
    sampling,
    maxTokens: maxTokensFor(service, prompt.length, generation),
    minTokens: minTokens ?? 0,
    stopIds: [...new Set([...(ignoreEos ? [] : service.stopIds), ...generation.stopIds])],
    ...(logprobs !== undefined && { logprobs }),
    ...(diagnose && { diagnose }),
    ...(repetition && { repetition }),
    ...(priority !== undefined && { priority }),
    ...(user !== undefined && { client: user }),
    ...(thinking && { thinking }),
    ...(grammar && { grammar }),
    ...(promptLogprobs !== undefined && { promptLogprobs }),
  };
}
