/** A random id such as `chatcmpl-0f3a…`: the prefix and 128 bits in hexadecimal. */
export function randomId(prefix: string): string {
  return prefix + crypto.randomUUID().replaceAll("-", "");
}
