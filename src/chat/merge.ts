// Several streams as one, in the order of arrival.

/** Ends when all have ended. The first failure is thrown after what came before it; stopping the others then is the caller's business. */
export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const arrived: T[] = [];
  let running = sources.length;
  let failure: { readonly error: unknown } | undefined;
  let wake = () => {};
  const pump = async (source: AsyncIterable<T>) => {
    try {
      for await (const item of source) {
        arrived.push(item);
        wake();
      }
    } catch (error) {
      failure ??= { error };
    }
    running--;
    wake();
  };
  for (const source of sources) void pump(source);
  for (;;) {
    yield* arrived.splice(0);
    if (arrived.length > 0) continue;
    if (failure) throw failure.error;
    if (running === 0) return;
    await new Promise<void>(resolve => (wake = resolve));
  }
}
