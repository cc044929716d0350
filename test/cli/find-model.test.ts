// A model by its folder, or by its name in the Hugging Face cache; nothing else can be reached by a name.
import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachedModel, findModel } from "../../src/cli/find-model.ts";
import { hubCache } from "../../src/config.ts";
import { failure } from "../helpers/checkpoints.ts";
import { temporaryFolder } from "../helpers/temporary.ts";

const cache = temporaryFolder("hub");
const snapshot = join(cache, "models--org--name/snapshots/abc123");
mkdirSync(snapshot, { recursive: true });
mkdirSync(join(cache, "models--org--name/refs"));
writeFileSync(join(cache, "models--org--name/refs/main"), "abc123\n");
writeFileSync(join(snapshot, "config.json"), "{}");
mkdirSync(join(cache, "models--org--evil/refs"), { recursive: true });
writeFileSync(join(cache, "models--org--evil/refs/main"), "../../models--org--name/snapshots/abc123");

test("a cached model is found by its name", () => expect(cachedModel("org/name", cache)).toBe(snapshot));

test.each(["org/none", "org/evil", "name", "../name", "org/..", "/etc/passwd", "org/name/snapshots", "", "org\\name"])(
  "%p is no cached model",
  name => expect(cachedModel(name, cache)).toBeUndefined(),
);

test("a folder is itself", () => expect(findModel(snapshot)).toBe(snapshot));

test.each([
  ["/nowhere/at/all", /there is no model folder/],
  [join(snapshot, "config.json"), /is a file/],
  [cache, /has no config.json/],
  ["nobody/has-this", /cannot be downloaded by name yet/],
])("%p is refused in one line", (name, message) => expect(failure(() => findModel(name))).toMatch(message));

test("the cache is where Hugging Face's tools say", () => {
  expect(hubCache({ HOME: "/h" })).toBe("/h/.cache/huggingface/hub");
  expect(hubCache({ HOME: "/h", XDG_CACHE_HOME: "/x" })).toBe("/x/huggingface/hub");
  expect(hubCache({ HOME: "/h", HF_HOME: "/f" })).toBe("/f/hub");
  expect(hubCache({ HOME: "/h", HF_HOME: "/f", HF_HUB_CACHE: "/c" })).toBe("/c");
});
