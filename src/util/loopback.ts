/** Whether a host name or an address, without its port, always means this machine. */
export function isLoopback(host: string): boolean {
  return /^(::ffff:)?127(\.\d{1,3}){3}$|^(::1|\[::1\])$|^(.+\.)?localhost$/.test(host);
}
