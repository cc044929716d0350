// `pippin serve`.
import { locateAssets } from "../assets/locate.ts";
import { readServeConfig } from "../config.ts";

export async function serve(args: readonly string[]): Promise<void> {
  const { config } = readServeConfig(args);
  console.log(await locateAssets(), config);
}
