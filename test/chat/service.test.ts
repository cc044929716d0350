import { expect, test } from "bun:test";
import { openService } from "../../src/chat/service.ts";
import { UnknownFormatError } from "../../src/parsers/registry.ts";
import { FakeEngine } from "../helpers/fake-engine.ts";
import { chatFolder, modelFolder } from "../tokenizer/fixtures.ts";
import { openTestService } from "./service.ts";

test("a service finds its formats by itself, or takes those it is told", () => {
  const formats = (options: Parameters<typeof openTestService>[0]) => {
    const { service } = openTestService(options);
    return [service.toolFormat?.name, service.reasoningFormat?.name];
  };
  expect(formats({})).toEqual(["hermes", "think"]);
  expect(formats({ options: { toolParser: "none", reasoningParser: "none" } })).toEqual([undefined, undefined]);
  expect(formats({ files: { "tokenizer_config.json": {} }, options: { toolParser: "qwen", reasoningParser: "qwen3" } })).toEqual(["hermes", "think"]);
  expect(() => formats({ options: { toolParser: "wizard" } })).toThrow(UnknownFormatError);
});

test("a service is named after its folder unless it is told otherwise", () => {
  using folder = chatFolder();
  expect(openService(`${folder.path}/`, new FakeEngine({ ids: [] })).id).toMatch(/^model-/);
  expect(openTestService().service.id).toBe("test-model");
});

test("lengths and sizes are the engine's once it knows them, the files' before", () => {
  using folder = chatFolder();
  const engine = new FakeEngine({ ids: [] }, { loaded: false, state: "starting" });
  const service = openService(folder.path, engine);
  expect([service.contextLength, service.vocabSize]).toEqual([2048, service.tokenizer.vocabSize]);
  engine.info = { ...new FakeEngine({ ids: [] }).info!, contextLength: 100, vocabSize: 512 };
  expect([service.contextLength, service.vocabSize]).toEqual([100, 512]);
});

test("a template of the server's choice takes the place of the model's", () => {
  using file = modelFolder({ "mine.jinja": "mine" });
  const { service } = openTestService({ options: { templateFile: `${file.path}/mine.jinja` } });
  expect(service.template?.render({ messages: [], tools: [], variables: {} })).toBe("mine");
  expect(() => openTestService({ options: { templateFile: `${file.path}/yours.jinja` } })).toThrow(/yours\.jinja is missing/);
});

test("a template that cannot be parsed is refused by the name of its folder or file", () => {
  using file = modelFolder({ "mine.jinja": "{% if %}" });
  expect(() => openTestService({ files: { "chat_template.jinja": "{{ a" } })).toThrow(/model-\w+: the chat template "default" cannot be parsed/);
  expect(() => openTestService({ options: { templateFile: `${file.path}/mine.jinja` } })).toThrow(/mine\.jinja: the chat template/);
});
