/** Lets the event loop turn once: whatever waits gets its chance. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
