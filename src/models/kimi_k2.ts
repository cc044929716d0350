// Kimi K2: DeepSeek-V3 in other sizes.
export { build, readConfig } from "./deepseek_v3.ts";
