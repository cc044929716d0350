// Chat templates cut down to the facts by which families are told apart, and the marker tokens of their vocabularies.

export interface Family {
  readonly template: string;
  readonly tokens?: readonly string[];
  readonly tools: string | undefined; // the formats that must be found
  readonly reasoning: string | undefined;
}

const turns = (open: string, close: string) => `{% for message in messages %}{{ '${open}' + message['content'] + '${close}' }}{% endfor %}`;
const chatml = turns("<|im_start|>", "<|im_end|>");
const jsonInTags =
  "For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:\\n" +
  '<tool_call>\\n{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}\\n</tool_call>';
const thinkTokens = ["<think>", "</think>"];
const toolTokens = ["<tool_call>", "</tool_call>"];
const deepseekTokens = ["<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"];

export const families: Readonly<Record<string, Family>> = {
  "Qwen2.5": { template: chatml + `{%- if tools %}{{- "${jsonInTags}" }}{%- endif %}`, tokens: toolTokens, tools: "hermes", reasoning: undefined },
  Qwen3: {
    template:
      chatml +
      `{%- if tools %}{{- "${jsonInTags}" }}{%- endif %}{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}`,
    tokens: [...toolTokens, ...thinkTokens],
    tools: "hermes",
    reasoning: "think",
  },
  "Qwen3-Coder": {
    template:
      chatml +
      "<tool_call>\\n<function=example_function_name>\\n<parameter=example_parameter_1>\\nvalue_1\\n</parameter>\\n</function>\\n</tool_call>",
    tokens: toolTokens,
    tools: "qwen3_coder",
    reasoning: undefined,
  },
  "Nemotron 3 Nano": {
    template: "{{- '<tool_call>\\n<function=' + tool_call.name + '>\\n' }}{{- '<parameter=' + args_name + '>\\n' }}{{ '<think>' }}{{ '</think>' }}",
    tokens: thinkTokens,
    tools: "qwen3_coder",
    reasoning: "think",
  },
  "Nemotron Nano 2": {
    template: `{{ 'Use <TOOLCALL>[{"name": "func_name1", "arguments": {"k": "v"}}]</TOOLCALL>' }}{{ '<think>\\n' }}`,
    tools: "nemotron",
    reasoning: "think",
  },
  "Step 3.5": {
    template: "<tool_call>\\n<function={{ name }}>\\n<parameter={{ key }}>\\n</parameter></function></tool_call>{{ '<think>\\n' }}",
    tokens: [...toolTokens, ...thinkTokens],
    tools: "qwen3_coder",
    reasoning: "think",
  },
  "Mistral 7B v0.3": {
    template: `{{- "[AVAILABLE_TOOLS] [" }}{{- "[TOOL_CALLS] [" }}{{- '{"name": "' + tool.name }}{{- '[TOOL_RESULTS] {"content": ' }}`,
    tokens: ["[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[TOOL_RESULTS]"],
    tools: "mistral",
    reasoning: undefined,
  },
  "Magistral, Ministral 3 Reasoning": {
    template: "{{ '[THINK]' + block['thinking'] + '[/THINK]' }}{{ '[TOOL_CALLS]' + name + '[ARGS]' + arguments }}",
    tokens: ["[TOOL_CALLS]", "[ARGS]", "[THINK]", "[/THINK]"],
    tools: "mistral",
    reasoning: "mistral",
  },
  "Llama 3.1": {
    template: `{{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.' }}{{- "<|python_tag|>" + tool_call.name + ".call(" }}{{- "<|start_header_id|>ipython<|end_header_id|>" }}`,
    tokens: ["<|python_tag|>", "<|eot_id|>"],
    tools: "llama",
    reasoning: undefined,
  },
  "Llama 3.2 1B": {
    template: `{{- 'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.' }}{{- '{"name": "' + tool_call.name + '", "parameters": ' }}{{- "<|start_header_id|>ipython<|end_header_id|>" }}`,
    tokens: ["<|python_tag|>", "<|eot_id|>"],
    tools: "llama",
    reasoning: undefined,
  },
  "Llama 4": {
    template: `{{- "you should return function calls in the format:\\n[func_name1(params_name1=params_value1, params_name2=params_value2), func_name2(params)]" }}{{ "<|python_start|>" }}`,
    tokens: ["<|python_start|>", "<|python_end|>"],
    tools: "llama_pythonic",
    reasoning: undefined,
  },
  "DeepSeek R1": {
    template: `{{'<｜Assistant｜><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + tool['type'] + '<｜tool▁sep｜>' + tool['function']['name'] + '\\n' + '\`\`\`json' + '\\n' }}{% set content = content.split('</think>')[-1] %}{{'<｜Assistant｜><think>\\n'}}`,
    tokens: [...deepseekTokens, ...thinkTokens],
    tools: "deepseek",
    reasoning: "think",
  },
  "DeepSeek V3.1": {
    template: "{{'<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>'+ name + '<｜tool▁sep｜>' + arguments + '<｜tool▁call▁end｜>'}}{{'</think>'}}",
    tokens: [...deepseekTokens, ...thinkTokens],
    tools: "deepseek_v31",
    reasoning: "think",
  },
  "DeepSeek V3.2": { template: '{{ "<｜DSML｜function_calls>" }}{{ "</think>" }}', tokens: thinkTokens, tools: "deepseek_v32", reasoning: "think" },
  "Kimi K2": {
    template: "<|tool_calls_section_begin|>{%- for call in tool_calls -%}<|tool_call_begin|>{{ call['id'] }}<|tool_call_argument_begin|>",
    tokens: ["<|tool_call_begin|>", "<|tool_call_argument_begin|>"],
    tools: "kimi",
    reasoning: undefined,
  },
  LFM2: {
    template: `{{ "List of tools: <|tool_list_start|>[" }}${chatml}`,
    tokens: ["<|tool_call_start|>", "<|tool_call_end|>", "<|tool_list_start|>"],
    tools: "liquidai",
    reasoning: undefined,
  },
  "Granite 3.3": {
    template: `{{ "When a tool is required, respond only with <|tool_call|> followed by a JSON list of tools used." }}`,
    tokens: ["<|tool_call|>"],
    tools: "granite",
    reasoning: undefined,
  },
  "Granite 4": {
    template: `{{ "${jsonInTags}" }}`,
    tokens: [...toolTokens, "<|tool_call|>"],
    tools: "hermes",
    reasoning: undefined,
  },
  "xLAM 2": {
    template: `{{ 'return the tool calls as [{"name": "tool_call_name", "arguments": {"arg1": "value1"}}, ...]' }}${chatml}`,
    tools: "xlam",
    reasoning: undefined,
  },
  "Functionary 3.2": {
    template: "{{ '>>>all\\n' + message['content'] }}{{ '>>>' + call.name + '\\n' }}",
    tools: "functionary",
    reasoning: undefined,
  },
  "Functionary 2": {
    template: "{{ '<|from|>assistant\\n<|recipient|>' + call.name + '\\n<|content|>' }}",
    tokens: ["<|from|>", "<|recipient|>", "<|content|>"],
    tools: "functionary",
    reasoning: undefined,
  },
  "GLM-4.5": {
    template:
      "<tool_call>{function-name}\\n<arg_key>{arg-key-1}</arg_key>\\n<arg_value>{arg-value-1}</arg_value>\\n</tool_call>{{ '<think></think>' }}",
    tokens: [...toolTokens, ...thinkTokens, "<arg_key>", "<arg_value>"],
    tools: "glm47",
    reasoning: "think",
  },
  "GLM-4.5V": {
    template: "<tool_call>{function-name}\\n<arg_key>{arg-key-1}</arg_key>{{ '<think></think>' }}",
    tokens: [...toolTokens, ...thinkTokens, "<|begin_of_box|>", "<|end_of_box|>"],
    tools: "glm47",
    reasoning: "glm4",
  },
  "gpt-oss": {
    template: `{{- "<|start|>assistant<|channel|>analysis<|message|>" + message.thinking + "<|end|>" }}{{- "<|start|>assistant to=functions." + name }}`,
    tokens: ["<|start|>", "<|channel|>", "<|message|>", "<|call|>"],
    tools: "harmony",
    reasoning: "harmony",
  },
  "Gemma 4": {
    template: `{{ '<|tool_call>call:' + name + '{' }}{{ '<|channel>thought\\n<channel|>' }}`,
    tokens: ["<|tool_call>", "<tool_call|>", '<|"|>', "<|channel>", "<channel|>"],
    tools: "gemma4",
    reasoning: "gemma4",
  },
  "Gemma 3": { template: turns("<start_of_turn>", "<end_of_turn>"), tools: undefined, reasoning: undefined },
  "MiniMax M2": {
    template: `{{ '<minimax:tool_call>\\n<invoke name="' + name + '">' }}{{ '<think>\\n' }}`,
    tokens: ["<minimax:tool_call>", ...thinkTokens],
    tools: "minimax",
    reasoning: "think",
  },
  "Seed-OSS": {
    template: "<seed:tool_call>\\n<function=example_function_name>\\n<parameter=p>{{ '<seed:think>' }}",
    tokens: ["<seed:think>", "</seed:think>", "<seed:tool_call>", "</seed:tool_call>"],
    tools: "seed_oss",
    reasoning: "seed_oss",
  },
  SmolLM: { template: chatml, tools: undefined, reasoning: undefined },
};
