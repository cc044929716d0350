// The library and the device it computes on.

import { totalmem } from "node:os";
import { MxError } from "./error.ts";
import { bind, c, code } from "./ffi.ts";

type Device = "cpu" | "gpu";

export type Backend = "cpu" | "metal" | "cuda";

let opened: { path: string; device: Device; ownKernels: boolean } | undefined;

/** Loads the shim and chooses the device, once per process; `auto` is the GPU where MLX has one. */
export function openLibrary(path: string, device: "auto" | Device): Device {
  if (opened !== undefined) {
    if (opened.path !== path) throw new MxError(`another MLX library is open: ${opened.path}`);
    if (device !== "auto" && device !== opened.device) throw new MxError(`MLX is open on the ${opened.device}`);
    return opened.device;
  }
  bind(path);
  const chosen = code(c.mxs_open(device === "cpu" ? 0 : device === "gpu" ? 1 : 2)) === 1 ? "gpu" : "cpu";
  opened = { path, device: chosen, ownKernels: chosen === "gpu" && code(c.mxs_own_kernels()) === 1 };
  return chosen;
}

/** The device in use. */
export function device(): Device {
  if (opened === undefined) throw new MxError("the MLX library is not open");
  return opened.device;
}

/** What computes on the device in use. */
export function backend(): Backend {
  if (device() === "cpu") return "cpu";
  return process.platform === "darwin" ? "metal" : "cuda";
}

/** Whether the device in use takes the kernels of cuda-ops.ts. */
export function ownKernels(): boolean {
  return opened?.ownKernels ?? false;
}

export function mlxVersion(): string {
  return String(c.mxs_version());
}

/** Bytes the device may use, in total. */
export function deviceMemory(): number {
  return code(c.mxs_device_memory()) || totalmem();
}

/** Bytes that arrays use now. */
export function activeMemory(): number {
  return code(c.mxs_active_memory());
}

/** The highest `activeMemory` since `resetPeakMemory`. */
export function peakMemory(): number {
  return code(c.mxs_peak_memory());
}

export function resetPeakMemory(): void {
  code(c.mxs_reset_peak_memory());
}

/** Bytes that the allocator holds for reuse. */
export function cacheMemory(): number {
  return code(c.mxs_cache_memory());
}

export function clearCache(): void {
  code(c.mxs_clear_cache());
}

export function setCacheLimit(bytes: number): void {
  code(c.mxs_set_cache_limit(bytes));
}

export function setMemoryLimit(bytes: number): void {
  code(c.mxs_set_memory_limit(bytes));
}

/** Bytes that stay resident; has an effect on Metal only. */
export function setWiredLimit(bytes: number): void {
  code(c.mxs_set_wired_limit(bytes));
}
