// The only door to MLX.

export {
  activeMemory,
  backend,
  type Backend,
  cacheMemory,
  clearCache,
  device,
  deviceMemory,
  mlxVersion,
  openLibrary,
  ownKernels,
  peakMemory,
} from "./device.ts";
export { resetPeakMemory, setCacheLimit, setMemoryLimit, setWiredLimit } from "./device.ts";
export { isDtype, itemSize, type Dtype } from "./dtype.ts";
export { MxError } from "./error.ts";
export { type Tensor } from "./ffi.ts";
export * from "./cuda-ops.ts";
export * from "./fused.ts";
export * from "./graph.ts";
export * from "./index-ops.ts";
export * from "./io.ts";
export * from "./layer-ops.ts";
export * from "./ops.ts";
export * from "./reduce-ops.ts";
export * from "./scope.ts";
export * from "./shape-ops.ts";
export * from "./tensor.ts";
