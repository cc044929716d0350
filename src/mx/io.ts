// Safetensors files.

import { c, code, cstring, lastError, scratch, type Tensor } from "./ffi.ts";

/** All tensors of a file, kept: the caller releases them. Their data is read when first needed, so the caller has validated the header. */
export function loadSafetensors(path: string): Map<string, Tensor> {
  const count = code(c.mxs_load_safetensors(cstring(path)));
  const tensors = new Map<string, Tensor>();
  for (let i = 0; i < count; i++) {
    const name = c.mxs_load_next();
    const handle = scratch[0]!;
    if (name === null || handle === 0) throw lastError();
    tensors.set(String(name), handle as Tensor);
  }
  c.mxs_load_next();
  return tensors;
}

/** Evaluates the tensors and writes them. */
export function saveSafetensors(path: string, tensors: ReadonlyMap<string, Tensor>, metadata: Readonly<Record<string, string>>): void {
  code(c.mxs_save_begin());
  for (const [name, tensor] of tensors) code(c.mxs_save_tensor(cstring(name), tensor));
  for (const [key, value] of Object.entries(metadata)) code(c.mxs_save_metadata(cstring(key), cstring(value)));
  code(c.mxs_save_safetensors(cstring(path)));
}
