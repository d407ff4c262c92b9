import { CommandFault } from "../bson/fault.ts";
import type { TimeSlice } from "../pacing/time-slice.ts";
import type { Session } from "../session/session.ts";

/** Produces result documents as bytes, one at a time, and pauses as the slice demands. Null is the end. */
export interface ResultSource {
  next(slice: TimeSlice): Promise<Uint8Array | null> | Uint8Array | null;
  /** True once it is certain that `next` returns null. */
  readonly isDone?: boolean;
  /** Called before and after each batch. */
  begin?(): void;
  end?(): void;
  close?(): void;
}

export interface ServerCursor {
  readonly id: bigint;
  readonly namespace: string;
  readonly source: ResultSource;
  readonly session: Session | null;
  /** The transaction that opened the cursor; the cursor can be read in that one only. */
  readonly transactionNumber: bigint | null;
  readonly neverExpires: boolean;
  /** A document that did not fit into the previous batch. */
  held: Uint8Array | null;
  lastUsed: number;
  isBusy: boolean;
}

export interface Batch {
  readonly documents: Uint8Array[];
  readonly isLast: boolean;
}

const MAX_CURSORS = 10_000;
const IDLE_MS = 10 * 60_000;
const SWEEP_INTERVAL_MS = 30_000;
/** A batch ends before it exceeds a reply of 16 MB. */
const BATCH_BYTES = 16 * 1024 * 1024;

/** The open cursors of the server. */
export class Cursors {
  readonly #cursors = new Map<bigint, ServerCursor>();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#sweep(Date.now()), SWEEP_INTERVAL_MS);
    this.#timer.unref();
  }

  get size(): number {
    return this.#cursors.size;
  }

  open(
    cursor: Pick<ServerCursor, "namespace" | "source" | "session" | "transactionNumber" | "neverExpires">,
  ): ServerCursor {
    if (this.#cursors.size >= MAX_CURSORS)
      throw new CommandFault(1, `${MAX_CURSORS} cursors are open: close some first`);
    let id = newCursorId();
    while (this.#cursors.has(id)) id = newCursorId();
    const opened: ServerCursor = { ...cursor, id, held: null, lastUsed: Date.now(), isBusy: false };
    this.#cursors.set(id, opened);
    return opened;
  }

  /** @throws CommandFault 43 for an id that is unknown, killed or expired, 13 for one of another namespace */
  find(id: bigint, namespace: string): ServerCursor {
    const cursor = this.#cursors.get(id);
    if (cursor === undefined) throw new CommandFault(43, `cursor id ${id} not found`);
    if (cursor.namespace === namespace) return cursor;
    throw new CommandFault(
      13,
      `Requested getMore on namespace '${namespace}', but cursor belongs to a different namespace ${cursor.namespace}`,
    );
  }

  has(id: bigint): boolean {
    return this.#cursors.has(id);
  }

  kill(id: bigint): boolean {
    this.#cursors.get(id)?.source.close?.();
    return this.#cursors.delete(id);
  }

  killWhere(test: (cursor: ServerCursor) => boolean): void {
    for (const cursor of this.#cursors.values()) if (test(cursor)) this.kill(cursor.id);
  }

  close(): void {
    clearInterval(this.#timer);
    this.killWhere(() => true);
  }

  #sweep(now: number): void {
    this.killWhere(
      ({ neverExpires, isBusy, lastUsed }) => !neverExpires && !isBusy && now - lastUsed > IDLE_MS,
    );
  }
}

/** Takes up to `size` documents from a cursor, fewer if the reply would exceed its limit. */
export async function takeBatch(cursor: ServerCursor, size: number, slice: TimeSlice): Promise<Batch> {
  const documents: Uint8Array[] = [];
  let bytes = 0;
  cursor.isBusy = true;
  cursor.source.begin?.();
  try {
    while (documents.length < size) {
      let next: Uint8Array | Promise<Uint8Array | null> | null = cursor.held ?? cursor.source.next(slice);
      cursor.held = null;
      if (next instanceof Promise) next = await next;
      if (next === null) return { documents, isLast: true };
      bytes += next.length + 10;
      if (bytes > BATCH_BYTES && documents.length > 0) {
        cursor.held = next;
        return { documents, isLast: false };
      }
      documents.push(next);
      if (slice.isOver()) await slice.pause();
    }
    return { documents, isLast: false };
  } finally {
    cursor.source.end?.();
    cursor.isBusy = false;
    cursor.lastUsed = Date.now();
  }
}

/** Random positive 63-bit ids, which cannot be guessed from each other. */
const newCursorId = (): bigint =>
  (BigInt(Math.floor(Math.random() * 0x7fffffff)) << 32n) |
  BigInt(1 + Math.floor(Math.random() * 0xfffffffe));
