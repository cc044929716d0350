// How many bytes a second this machine's memory can give: known for Apple's chips, measured elsewhere.
import { locateAssets } from "../../assets/locate.ts";
import * as mx from "../../mx/index.ts";

export interface Roof {
  readonly gigabytesPerSecond: number;
  readonly source: string;
}

/** GB/s by chip and variant, from Apple's technical specifications; the larger of two where a variant was sold with both. */
const chips: Readonly<Record<string, number>> = {
  M1: 68.25,
  "M1 Pro": 200,
  "M1 Max": 400,
  "M1 Ultra": 800,
  M2: 100,
  "M2 Pro": 200,
  "M2 Max": 400,
  "M2 Ultra": 800,
  M3: 100,
  "M3 Pro": 150,
  "M3 Max": 400,
  "M3 Ultra": 819,
  M4: 120,
  "M4 Pro": 273,
  "M4 Max": 546,
};

const READ_BYTES = 256 * 2 ** 20;
const READS = 5;

export async function readRoof(device: "auto" | "cpu" | "gpu"): Promise<Roof> {
  const brand = process.platform === "darwin" ? Bun.spawnSync(["sysctl", "-n", "machdep.cpu.brand_string"]).stdout.toString().trim() : "";
  const known = chips[brand.replace(/^Apple /, "")];
  if (known !== undefined && device !== "cpu") return { gigabytesPerSecond: known, source: brand };
  const used = mx.openLibrary((await locateAssets()).libraryPath, device);
  return { gigabytesPerSecond: measure() / 1e9, source: `measured by reading ${READ_BYTES / 2 ** 20} MiB on the ${used}` };
}

/** The best of several reads; the first one also fills the memory. */
function measure(): number {
  return mx.scope(() => {
    const numbers = mx.ones([READ_BYTES / 4], "float32");
    mx.evaluate(numbers);
    const rates = Array.from({ length: READS }, () => {
      const start = performance.now();
      mx.evaluate(mx.sum(numbers));
      return READ_BYTES / ((performance.now() - start) / 1000);
    });
    return Math.max(...rates);
  });
}
