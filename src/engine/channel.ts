// An engine process's end of the channel to its parent: the first message says how to start, the others, which come as lists, are handed on.
import { DiskError } from "../cache/disk-folder.ts";
import { MxError } from "../mx/index.ts";
import { CheckpointError } from "../weights/error.ts";
import type { FromEncoder, FromEngine } from "./protocol.ts";
import { NoRoom } from "./room.ts";
import { messageOf } from "../util/message-of.ts";

const EXIT_CHECKPOINT = 1;
const EXIT_MEMORY = 4;

export interface Inbox<Options, Message> {
  readonly options: Options;
  /** Hands over what has come and what comes. */
  readonly forward: (receive: (message: Message) => void) => void;
}

/** Resolves with the parent's first message. The process ends when its parent goes away, and only then by a signal of its terminal. */
export async function openInbox<Options, Message>(): Promise<Inbox<Options, Message>> {
  // A terminal signals the whole process group; when to stop is the parent's decision alone.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => {});
  process.on("disconnect", () => process.exit(0));
  const early: Message[] = [];
  let receive = (message: Message): void => void early.push(message);
  const options = await new Promise<Options>(resolve => {
    process.once("message", first => {
      process.on("message", messages => (messages as Message[]).forEach(message => receive(message)));
      resolve(first as Options);
    });
  });
  const forward = (next: (message: Message) => void): void => {
    receive = next;
    early.forEach(next);
  };
  return { options, forward };
}

/** Tells why the engine cannot start with the model of this folder, and ends the process. */
export function refuse(error: unknown, folder: string): void {
  const known = error instanceof CheckpointError || error instanceof MxError || error instanceof NoRoom || error instanceof DiskError;
  if (!known) console.error(error);
  const exitCode = error instanceof NoRoom ? EXIT_MEMORY : EXIT_CHECKPOINT;
  const which = error instanceof CheckpointError ? `${folder}: ` : ""; // one of several models: its files have the names of the others'
  send({ type: "refused", exitCode, message: which + messageOf(error) });
  setTimeout(() => process.exit(exitCode), 50); // after the message has left
}

export function send(message: FromEngine | FromEncoder): void {
  process.send!(message);
}
