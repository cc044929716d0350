// Prompts for the load: plain English of a chosen length, each different from its first word on, so that no prefix cache helps anybody.

const words = (
  "the small river runs past an old stone house where my friend keeps books and maps of every town on the coast and in winter we read them by " +
  "the fire while rain falls on the garden and the cat sleeps under a chair near the window with one ear open for birds"
).split(" ");

/** `count` words that depend on `seed`; the same for every server and every run. */
export function prompt(seed: number, count: number): string {
  let state = seed * 2654435761 + 12345;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return words[(state >>> 16) % words.length] ?? "";
  };
  return `Question ${seed}: ${Array.from({ length: count }, next).join(" ")}?`;
}
