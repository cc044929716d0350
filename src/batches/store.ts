// Files and batches on disk: one SQLite database, readable by its owner alone. Every change is one transaction, so that a process that
// is killed leaves whole lines only; the lock on the database keeps a second server out. No name from outside becomes a path.
import { Database, SQLiteError, type SQLQueryBindings } from "bun:sqlite";
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { randomId } from "../util/id.ts";
import type { Batch, Counts, Line, StoredFile } from "./types.ts";

/** Nothing can be stored; the message says why. */
export class StoreError extends Error {
  constructor(
    readonly code: "full" | "taken" | "unusable",
    message: string,
  ) {
    super(message);
  }
}

export const storeName = "batches.sqlite";
const maxFinished = 1000; // batches that are remembered
const pageBytes = 4096;
const unfinished = "('validating', 'in_progress', 'cancelling')";

const schema = `
  CREATE TABLE IF NOT EXISTS file (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, name TEXT, purpose TEXT, created INTEGER, bytes INTEGER,
    content BLOB, batch TEXT, failed INTEGER);
  CREATE TABLE IF NOT EXISTS batch (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, status TEXT, state TEXT);
  CREATE TABLE IF NOT EXISTS line (
    batch TEXT, n INTEGER, custom_id TEXT, body TEXT, result TEXT, failed INTEGER, PRIMARY KEY (batch, n)) WITHOUT ROWID;`;

interface FileRow extends StoredFile {
  readonly seq: number;
  readonly batch: string | null;
  readonly failed: number | null;
}

export interface Page {
  readonly limit: number;
  readonly after?: string;
  readonly order: "asc" | "desc";
}

export class BatchStore {
  private constructor(private readonly db: Database) {}

  /** Makes the folder and the database where they are missing. Throws StoreError. */
  static open(folder: string, maxBytes: number): BatchStore {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const path = join(folder, storeName);
      closeSync(openSync(path, constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW, 0o600));
      const db = new Database(path);
      db.run(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;`);
      db.run(`PRAGMA max_page_count = ${Math.ceil(maxBytes / pageBytes)}`);
      db.run(schema);
      db.run("BEGIN IMMEDIATE; COMMIT"); // takes the lock, which is kept
      return new BatchStore(db);
    } catch (error) {
      if (error instanceof SQLiteError && error.code?.startsWith("SQLITE_BUSY"))
        throw new StoreError("taken", `Another server keeps its batches in ${folder}: give this one another --data-dir.`);
      throw new StoreError("unusable", `${folder} cannot be used for files and batches: ${(error as Error).message}`);
    }
  }

  putFile(name: string, content: Uint8Array): StoredFile {
    const file: StoredFile = { id: randomId("file-"), name, purpose: "batch", created: now(), bytes: content.length };
    this.run("INSERT INTO file (id, name, purpose, created, bytes, content) VALUES (?, ?, 'batch', ?, ?, ?)", [
      file.id,
      name,
      file.created,
      file.bytes,
      content,
    ]);
    return file;
  }

  file(id: string): StoredFile | undefined {
    return this.fileRow(id);
  }

  fileCount(): number {
    return this.db.query<{ n: number }, []>("SELECT count(*) AS n FROM file").get()!.n;
  }

  files({ limit, after, order }: Page, purpose: string | undefined): StoredFile[] {
    const from = after === undefined ? undefined : this.fileRow(after)?.seq;
    return this.db
      .query<FileRow, [string | null, number]>(
        `SELECT seq, id, name, purpose, created, bytes FROM file WHERE (?1 IS NULL OR purpose = ?1)
         ${from === undefined ? "" : `AND seq ${order === "asc" ? ">" : "<"} ${from}`} ORDER BY seq ${order} LIMIT ?2`,
      )
      .all(purpose ?? null, limit);
  }

  /** An uploaded file whole. */
  content(id: string): Uint8Array | undefined {
    return this.db.query<{ content: Uint8Array | null }, [string]>("SELECT content FROM file WHERE id = ?").get(id)?.content ?? undefined;
  }

  /** A file piece by piece; that of a batch's answers is put together from its lines. */
  *pieces(id: string): Generator<Uint8Array> {
    const row = this.fileRow(id);
    if (!row?.batch) {
      const content = this.content(id);
      if (content) yield content;
      return;
    }
    const query = this.db.query<{ n: number; result: string }, [string, number, number]>(
      "SELECT n, result FROM line WHERE batch = ? AND failed = ? AND n > ? ORDER BY n LIMIT 100",
    );
    for (let after = -1; ;) {
      const lines = query.all(row.batch, row.failed!, after);
      if (lines.length === 0) return;
      after = lines.at(-1)!.n;
      yield new TextEncoder().encode(lines.map(({ result }) => `${result}\n`).join(""));
    }
  }

  deleteFile(id: string): boolean {
    const row = this.fileRow(id);
    if (!row) return false;
    this.atomically(() => {
      if (row.batch) this.run("DELETE FROM line WHERE batch = ? AND failed = ?", [row.batch, row.failed]);
      this.run("DELETE FROM file WHERE id = ?", [id]);
    });
    return true;
  }

  putBatch(batch: Batch): void {
    this.run("INSERT INTO batch (id, status, state) VALUES (?, ?, ?)", [batch.id, batch.status, JSON.stringify(batch)]);
    this.run(
      `DELETE FROM batch WHERE status NOT IN ${unfinished} AND seq <= (SELECT seq FROM batch ORDER BY seq DESC LIMIT 1 OFFSET ${maxFinished})`,
      [],
    );
  }

  batch(id: string): Batch | undefined {
    const row = this.db.query<{ state: string }, [string]>("SELECT state FROM batch WHERE id = ?").get(id);
    return row ? this.withCounts(JSON.parse(row.state) as Batch) : undefined;
  }

  batches({ limit, after, order }: Page): Batch[] {
    const from = after === undefined ? undefined : this.db.query<{ seq: number }, [string]>("SELECT seq FROM batch WHERE id = ?").get(after)?.seq;
    const where = from === undefined ? "" : `WHERE seq ${order === "asc" ? ">" : "<"} ${from}`;
    const rows = this.db.query<{ state: string }, [number]>(`SELECT state FROM batch ${where} ORDER BY seq ${order} LIMIT ?`).all(limit);
    return rows.map(({ state }) => this.withCounts(JSON.parse(state) as Batch));
  }

  /** The oldest one that is not over. */
  nextBatch(): Batch | undefined {
    const row = this.db.query<{ id: string }, []>(`SELECT id FROM batch WHERE status IN ${unfinished} ORDER BY seq LIMIT 1`).get();
    return row ? this.batch(row.id) : undefined;
  }

  update(batch: Batch): Batch {
    this.run("UPDATE batch SET status = ?, state = ? WHERE id = ?", [batch.status, JSON.stringify(batch), batch.id]);
    return batch;
  }

  putLines(id: string, lines: readonly Line[]): void {
    const insert = this.db.query("INSERT INTO line (batch, n, custom_id, body) VALUES (?, ?, ?, ?)");
    for (const { n, customId, body } of lines) insert.run(id, n, customId, body);
  }

  /** The first line after that one which has no answer yet. */
  nextLine(id: string, after: number): Line | undefined {
    const query = this.db.query<Line, [string, number]>(
      "SELECT n, custom_id AS customId, body FROM line WHERE batch = ? AND n > ? AND result IS NULL ORDER BY n LIMIT 1",
    );
    return query.get(id, after) ?? undefined;
  }

  answer(id: string, n: number, result: string, failed: boolean): void {
    this.run("UPDATE line SET result = ?, failed = ?, body = '' WHERE batch = ? AND n = ?", [result, failed ? 1 : 0, id, n]);
  }

  /** Ends a batch: its answers become files, and lines that were never run go. */
  finish(batch: Batch): Batch {
    return this.atomically(() => {
      const { counts } = this.withCounts(batch);
      const outputFile = counts.completed > 0 ? { outputFile: this.putOutput(batch, 0) } : {};
      const errorFile = counts.failed > 0 ? { errorFile: this.putOutput(batch, 1) } : {};
      this.run("DELETE FROM line WHERE batch = ? AND result IS NULL", [batch.id]);
      return this.update({ ...batch, counts, ...outputFile, ...errorFile });
    });
  }

  /** All of it or nothing. Throws StoreError when the disk or the bound is full. */
  atomically<T>(change: () => T): T {
    try {
      return this.db.transaction(change)();
    } catch (error) {
      throw toStoreError(error);
    }
  }

  private putOutput({ id }: Batch, failed: 0 | 1): string {
    const file = randomId("file-");
    const { bytes } = this.db
      .query<{ bytes: number }, [string, number]>(
        "SELECT coalesce(sum(length(CAST(result AS BLOB)) + 1), 0) AS bytes FROM line WHERE batch = ? AND failed = ?",
      )
      .get(id, failed)!;
    const name = `${id}_${failed ? "error" : "output"}.jsonl`;
    this.run("INSERT INTO file (id, name, purpose, created, bytes, batch, failed) VALUES (?, ?, 'batch_output', ?, ?, ?, ?)", [
      file,
      name,
      now(),
      bytes,
      id,
      failed,
    ]);
    return file;
  }

  private withCounts(batch: Batch): Batch {
    if (["completed", "cancelled", "failed"].includes(batch.status) && batch.counts.total > 0) return batch;
    const counts = this.db
      .query<Counts, [string]>(
        `SELECT count(*) AS total, coalesce(sum(failed = 0), 0) AS completed, coalesce(sum(failed = 1), 0) AS failed FROM line WHERE batch = ?`,
      )
      .get(batch.id)!;
    return { ...batch, counts };
  }

  private fileRow(id: string): FileRow | undefined {
    const query = this.db.query<FileRow, [string]>("SELECT seq, id, name, purpose, created, bytes, batch, failed FROM file WHERE id = ?");
    return query.get(id) ?? undefined;
  }

  private run(sql: string, values: SQLQueryBindings[]): void {
    try {
      this.db.query(sql).run(...values);
    } catch (error) {
      throw toStoreError(error);
    }
  }
}

function toStoreError(error: unknown): unknown {
  if (!(error instanceof SQLiteError) || !/^SQLITE_(FULL|IOERR|TOOBIG)/.test(error.code ?? "")) return error;
  return new StoreError("full", "There is no more room for files and batches: delete files that are not needed.");
}

export function now(): number {
  return Math.floor(Date.now() / 1000);
}
