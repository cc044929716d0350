// The table of fields against the list that Anthropic documents, written out here: a field that the table forgets fails by name.
import { expect, test } from "bun:test";
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
