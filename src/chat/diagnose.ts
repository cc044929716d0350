// Why a prompt was not found stored: the token and the message where it left what is.
import { common } from "../util/common.ts";
import type { StepRow } from "../engine/protocol.ts";
import { ApiError } from "./error.ts";
import { renderChat } from "./render.ts";
import type { Service } from "./service.ts";
import type { ChatRequest, PrefixReport } from "./types.ts";

/** Undefined unless the engine was asked. `messageAt` finds the message that a token of the prompt belongs to. */
export async function toPrefixReport(
  { tokenizer, contextLength: contextTokens }: Service,
  prompt: Uint32Array,
  row: StepRow,
  messageAt?: (token: number) => Promise<number | undefined>,
): Promise<PrefixReport | undefined> {
  if (row.prefix === undefined) return undefined;
  const { sharedTokens, storedId } = row.prefix;
  const report = { contextTokens, promptTokens: prompt.length, cachedTokens: row.cachedTokens ?? 0, sharedTokens };
  if (sharedTokens === prompt.length) return report;
  const message = await messageAt?.(sharedTokens);
  return {
    ...report,
    left: {
      token: sharedTokens,
      prompt: tokenizer.visible(prompt[sharedTokens]!),
      ...(storedId !== undefined && { stored: tokenizer.visible(storedId) }),
      ...(message !== undefined && { message }),
    },
  };
}

/**
 * The index of the message whose text a token of the prompt lies in, found by rendering the conversation up to a message and
 * no further. The number of messages stands for what the template writes behind them; undefined where the template cannot
 * render a part of the conversation.
 */
export function messageFinder(service: Service, request: ChatRequest, prompt: Uint32Array): (token: number) => Promise<number | undefined> {
  const { messages } = request;
  const templateOptions = { ...request.templateOptions, add_generation_prompt: false };
  return async token => {
    const reaches = async (count: number): Promise<boolean> => {
      const { ids } = await renderChat(service, { ...request, messages: messages.slice(0, count), templateOptions, continues: false });
      return common(ids, prompt) > token;
    };
    try {
      let [low, high] = [0, messages.length]; // the messages before `low` do not reach the token
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (await reaches(middle + 1)) high = middle;
        else low = middle + 1;
      }
      return low;
    } catch (error) {
      if (error instanceof ApiError) return undefined;
      throw error;
    }
  };
}
