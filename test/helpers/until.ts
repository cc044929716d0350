const LIMIT_MS = 30_000; // a busy machine is slow, and only a failure takes that long

/** Waits until the condition holds; throws when it never does. */
export async function until(condition: () => boolean | Promise<boolean>, what = String(condition)): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`it did not happen that ${what}`);
    await Bun.sleep(1);
  }
}
