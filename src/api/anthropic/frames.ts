// ChatEvents → the events of a streamed message. Blocks follow each other, each opened, filled and closed before the next.
import type { ChatEvent, FinishEvent } from "../../chat/types.ts";
import type { Frames } from "../frames.ts";
import { messageStart, signatureOf, stopOf, toErrorBody, toUsage, type Head } from "./encode.ts";

export interface FrameOptions {
  readonly promptTokens: number;
  readonly requestId: string;
}

type BlockType = "text" | "thinking" | "tool_use";

const deltas = { text: ["text_delta", "text"], thinking: ["thinking_delta", "thinking"], tool_use: ["input_json_delta", "partial_json"] } as const;
const ping = frame({ type: "ping" });

export function messageFrames(head: Head, options: FrameOptions): Frames {
  const blocks = openBlocks(head.showThinking);
  let finish: FinishEvent | undefined;
  return {
    open() {
      const usage = {
        ...toUsage({ promptTokens: options.promptTokens, cachedTokens: 0, completionTokens: 0, reasoningTokens: 0 }),
        output_tokens: 0,
      };
      return frame({ type: "message_start", message: { ...messageStart(head), usage } }) + ping;
    },
    event(event) {
      if (event.type !== "finish") return blocks.write(event);
      finish = event;
      return blocks.end();
    },
    close() {
      const delta = finish && { type: "message_delta", delta: stopOf(finish, head), usage: toUsage(finish.usage) };
      return (delta ? frame(delta) : "") + frame({ type: "message_stop" });
    },
    fail: failure => frame(toErrorBody(failure, options.requestId)),
    /** Some clients count only pings as life, others only what stands inside an open block. */
    keepAlive: () => ping + blocks.idle(),
  };
}

/** The content of a message as it grows. */
function openBlocks(showThinking: boolean) {
  let index = -1;
  let type: BlockType | undefined; // of the open block
  let thinking = "";

  const delta = (text: string) => {
    if (type === undefined) return "";
    const [name, field] = deltas[type];
    return frame({ type: "content_block_delta", index, delta: { type: name, [field]: text } });
  };
  const stop = () => {
    if (type === undefined) return "";
    const signature = { type: "content_block_delta", index, delta: { type: "signature_delta", signature: signatureOf(thinking) } };
    const last = type === "thinking" ? frame(signature) : "";
    type = undefined;
    return last + frame({ type: "content_block_stop", index });
  };
  const start = (opened: BlockType, block: object) => {
    const before = stop();
    [type, thinking] = [opened, ""];
    return before + frame({ type: "content_block_start", index: ++index, content_block: { type: opened, ...block } });
  };
  const write = (event: ChatEvent): string => {
    switch (event.type) {
      case "text":
        return (type === "text" ? "" : start("text", { text: "", citations: null })) + delta(event.text);
      case "reasoning": {
        const opening = type === "thinking" ? "" : start("thinking", { thinking: "", signature: "" });
        thinking += event.text;
        return opening + (showThinking ? delta(event.text) : "");
      }
      case "tool-call":
        return start("tool_use", { id: event.id, name: event.name, input: {} });
      case "tool-arguments":
        return delta(event.text);
      default:
        return "";
    }
  };
  return {
    write,
    idle: () => delta(""),
    /** There is always a first block: clients read it without looking. */
    end: () => (index < 0 ? start("text", { text: "", citations: null }) : "") + stop(),
  };
}

function frame(event: { readonly type: string; readonly [field: string]: unknown }): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}
