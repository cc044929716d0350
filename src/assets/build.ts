// Makes dist/pippin: the program, MLX with the shim, and the built-in model in one executable. Run by `make build`, part of nothing else.
// Files are compressed once and kept under .build/assets by their hash.
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { BunPlugin } from "bun";
import type { Embedded, EmbeddedFile } from "./embedded.ts";

const root = resolve(import.meta.dir, "../..");
const store = join(root, ".build/assets");
const workers = ["src/tokenizer/worker.ts", "src/grammar/worker.ts"]; // started by path, so each is an entry of its own
const model = "mini/checkpoint";
const libraries = realpathSync(join(root, ".build/lib"));
const extension = process.platform === "darwin" ? "dylib" : "so";

function sha256(data: Uint8Array | string): string {
  return new Bun.CryptoHasher("sha256").update(data).digest("hex");
}

function pack(source: string, path: string): EmbeddedFile {
  const data = readFileSync(source);
  const hash = sha256(data);
  const from = join(store, `${hash}.zst`);
  if (!existsSync(from)) writeFileSync(from, Bun.zstdCompressSync(data, { level: 19 }));
  return { path, bytes: data.length, sha256: hash, from };
}

function filesBelow(folder: string, ...patterns: string[]): string[] {
  return patterns.flatMap(pattern => [...new Bun.Glob(pattern).scanSync(folder)].sort());
}

/** The wheel's layout stays as it is, because libmlx finds its BLAS relative to itself. */
function collect(): Embedded {
  const native = filesBelow(libraries, `mlx/lib/*.${extension}`, "mlx/lib/*.metallib", "*.libs/*").filter(path => !path.includes("libjaccl"));
  const checkpoint = filesBelow(join(root, model), "**/*");
  const files = [
    ...native.map(path => pack(join(libraries, path), path)),
    ...checkpoint.map(path => pack(join(root, model, path), join("pippin-mini", path))),
  ];
  const id = sha256(JSON.stringify(files.map(({ path, sha256 }) => [path, sha256]))).slice(0, 16);
  return { id, library: `mlx/lib/libshim.${extension}`, model: "pippin-mini", files };
}

/** The module that stands in for embedded.ts: one import per file, so that the bundler carries them. No path of this machine gets in. */
function generate({ id, library, model, files }: Embedded): string {
  const imports = files.map(({ from }, index) => `import f${index} from "./${relative(import.meta.dir, from)}" with { type: "file" };`);
  const rows = files.map(
    ({ path, bytes, sha256 }, index) => `{ path: ${JSON.stringify(path)}, bytes: ${bytes}, sha256: "${sha256}", from: f${index} }`,
  );
  return `${imports.join("\n")}\nexport const embedded = { id: "${id}", library: "${library}", model: "${model}", files: [\n${rows.join(",\n")}\n] };\n`;
}

mkdirSync(store, { recursive: true });
const contents = collect();
const embed: BunPlugin = {
  name: "embed",
  setup: build => void build.onLoad({ filter: /src[/]assets[/]embedded\.ts$/ }, () => ({ contents: generate(contents), loader: "ts" })),
};
const result = await Bun.build({
  entrypoints: ["src/main.ts", ...workers.filter(file => existsSync(join(root, file)))].map(file => join(root, file)),
  root: join(root, "src"),
  plugins: [embed],
  format: "esm",
  minify: true,
  bytecode: true, // a start in a quarter of the time
  sourcemap: "linked", // carried compressed; stacks name source files
  compile: { outfile: join(root, "dist/pippin"), autoloadDotenv: false, autoloadBunfig: false },
});
if (!result.success) throw new AggregateError(result.logs, "the build failed");
for (const map of new Bun.Glob("*.map").scanSync(join(root, "dist"))) rmSync(join(root, "dist", map)); // the executable has them
const packed = contents.files.reduce((sum, file) => sum + statSync(file.from).size, 0);
console.log(
  `dist/pippin: ${(statSync(join(root, "dist/pippin")).size / 1e6).toFixed(1)} MB, of which ${(packed / 1e6).toFixed(1)} MB libraries and model`,
);
