// The turns of a conversation as a template takes them. Clients put system messages anywhere and let a role speak twice in a row; many
// templates refuse that. What moves stays in its place among the others, so that a prompt still begins like the one before it.
import type { Conventions } from "./conventions.ts";
import type { Message } from "./types.ts";

export type TurnConventions = Pick<Conventions, "system" | "laterSystem" | "repeats">;

export function arrangeTurns(messages: readonly Message[], { system, laterSystem, repeats }: TurnConventions): readonly Message[] {
  const opened = system && !laterSystem ? joinOpening(messages) : messages;
  const told = opened.map((message, at) => {
    const known = at === 0 ? system : laterSystem;
    return isSystem(message) && !known ? ({ ...message, role: "user" } as const) : message;
  });
  return repeats ? told : told.reduce<Message[]>(join, []);
}

/** The system messages that open the conversation as one. */
function joinOpening(messages: readonly Message[]): readonly Message[] {
  const start = messages.findIndex(message => !isSystem(message));
  const [first, ...more] = messages.slice(0, start < 0 ? messages.length : start);
  if (!first || more.length === 0) return messages;
  return [{ ...first, content: more.reduce((text, { content }) => both(text, content), first.content) }, ...messages.slice(more.length + 1)];
}

function isSystem({ role }: Message): boolean {
  return role === "system" || role === "developer";
}

/** Adds a message, as one with the last where that is of the same speaker. */
function join(joined: Message[], message: Message): Message[] {
  const last = joined.at(-1);
  if (last?.role === "user" && message.role === "user") joined[joined.length - 1] = { ...last, content: both(last.content, message.content) };
  else if (last?.role === "assistant" && message.role === "assistant") joined[joined.length - 1] = joinAssistants(last, message);
  else joined.push(message);
  return joined;
}

type Assistant = Extract<Message, { role: "assistant" }>;

function joinAssistants(first: Assistant, second: Assistant): Assistant {
  const reasoning = both(first.reasoning ?? "", second.reasoning ?? "");
  const toolCalls = [...(first.toolCalls ?? []), ...(second.toolCalls ?? [])];
  return { ...first, content: both(first.content, second.content), ...(reasoning && { reasoning }), ...(toolCalls.length > 0 && { toolCalls }) };
}

function both(first: string, second: string): string {
  return [first, second].filter(text => text !== "").join("\n\n");
}
