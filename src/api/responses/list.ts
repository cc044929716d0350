// GET /v1/responses/{id}/input_items: one page of a conversation.
import Type from "typebox";
import { refuse } from "../body.ts";
import { check } from "../check.ts";
import type { Item } from "./schema.ts";

const query = Type.Object({
  after: Type.Optional(Type.String()),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  order: Type.Optional(Type.Enum(["asc", "desc"])),
});

export function listItems(items: readonly Item[], { after, limit, order }: Readonly<Record<string, string | undefined>>) {
  const page = { ...(after !== undefined && { after }), ...(limit !== undefined && { limit: Number(limit) }), ...(order !== undefined && { order }) };
  const problem = check(query, page);
  if (problem) refuse(problem);
  const all = order === "asc" ? items : [...items].reverse();
  const before = after === undefined ? -1 : all.findIndex(({ id }) => id === after);
  if (after !== undefined && before < 0) refuse({ path: ["after"], code: "invalid_value", message: "names no item of this response" });
  const data = all.slice(before + 1, before + 1 + (page.limit ?? 20)).map(toListed);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: before + 1 + data.length < all.length,
  };
}

/** Texts of messages as parts, as OpenAI lists them. */
function toListed(item: Item): Item {
  if (!("role" in item) || typeof item.content !== "string") return item;
  const type = item.role === "assistant" ? ("output_text" as const) : ("input_text" as const);
  return { ...item, content: [{ type, text: item.content }] };
}
