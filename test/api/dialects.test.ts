// The tables of fields against the lists that Anthropic and OpenAI document, written out here: a field that a table forgets fails by name.
// The older OpenAI routes have a test of their own.
import { expect, test } from "bun:test";
import { inputFields, responsesFields } from "../../src/api/responses/fields.ts";
import { countFields, messagesFields } from "../../src/api/anthropic/fields.ts";

const prompt = "cache_control messages model output_config speed system thinking tool_choice tools user_profile_id workspace_id".split(" ");
const documented = [
  ..."container diagnostics inference_geo max_tokens metadata service_tier stop_sequences stream temperature top_k top_p".split(" "),
  ...prompt,
];
const beta = ["context_management", "mcp_servers"];

test("every field that Anthropic documents has a fate, and no other", () => {
  expect(Object.keys(messagesFields).sort()).toEqual([...documented, ...beta].sort());
  expect(Object.keys(countFields).sort()).toEqual([...prompt, ...beta].sort());
});

test("every field that OpenAI documents for responses has a fate, and few others", () => {
  const ofInput = "conversation input instructions model parallel_tool_calls previous_response_id reasoning text tool_choice tools truncation".split(
    " ",
  );
  const ofResponses = `access_programs background context_management image include max_output_tokens max_tool_calls metadata moderation prompt
    prompt_cache_key prompt_cache_options prompt_cache_retention safety_identifier service_tier store stream stream_options temperature top_logprobs
    top_p user`.split(/\s+/);
  const ours = ["chat_template_kwargs", "enable_thinking"];
  expect(Object.keys(inputFields).sort()).toEqual([...ofInput, ...ours].sort());
  expect(Object.keys(responsesFields).sort()).toEqual([...ofInput, ...ofResponses, ...ours, "min_p", "seed", "timeout", "top_k"].sort());
});
