// What the parts of the schema compiler ask of the whole.
import type { Budget } from "../error.ts";
import type { Node } from "../node.ts";
import type { Flattener } from "./flat.ts";
import type { Placed } from "./read.ts";

export interface Context {
  readonly budget: Budget;
  readonly flattener: Flattener;
  readonly valueOf: (placed: Placed) => Node;
}
