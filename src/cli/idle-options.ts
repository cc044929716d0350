// Options that were given and do nothing, because another one is not given, or is.
import { flagName, type Options } from "./options.ts";

const needed: Readonly<Record<string, string>> = {
  quantizeGroupSize: "quantize",
  batchDivergenceInterval: "batchDivergenceMonitor",
  batchDivergenceThreshold: "batchDivergenceMonitor",
  batchDivergenceAction: "batchDivergenceMonitor",
  ssdCacheMaxGb: "ssdCacheDir",
  kvCacheQuantizationBits: "kvCacheQuantization",
  kvCacheQuantizationGroupSize: "kvCacheQuantization",
  kvCacheMinQuantizeTokens: "kvCacheQuantization",
};

const stored = ["usePagedCache", "noMemoryAwareCache", "cacheMemoryMb", "cacheMemoryPercent", "maxCacheBlocks", "prefixCacheSize", "warmPrompts"];
const excluded: Readonly<Record<string, string>> = Object.fromEntries(stored.map(key => [key, "disablePrefixCache"]));

/** A warning for each; an option with its default value counts as not given. */
export function warnOfIdle(options: Options, values: Readonly<Record<string, unknown>>): string[] {
  const given = (key: string | undefined) => key !== undefined && values[key] !== options[key]?.default;
  return Object.keys(options)
    .filter(given)
    .flatMap(key => {
      const [need, other] = [needed[key], excluded[key]];
      if (need !== undefined && !given(need)) return [`${flagName(key)} does nothing without ${flagName(need)}`];
      return given(other) ? [`${flagName(key)} does nothing beside ${flagName(other!)}`] : [];
    });
}
