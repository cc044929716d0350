// The one error of this folder: a shim call failed, or a call was made that it would refuse.

export class MxError extends Error {
  override readonly name = "MxError";
}
