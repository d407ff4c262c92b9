import { MOST_ROWS } from "./contracts/paging.ts";
import { AppError } from "./errors.ts";

/** A list query whose result would have more rows than allowed. */
export class ListTooLong extends AppError {
  constructor(rows: number) {
    super(
      `The list has ${rows} rows, more than the ${MOST_ROWS} that one query returns; ask for pages with page and limit`,
      {
        type: "LIST_TOO_LONG",
        data: { field: "limit", rows, limit: MOST_ROWS },
      },
    );
  }
}

/**
 * Bytes of rows, as JSON, in one response. A NATS message may have 1 MiB; besides the rows it contains the ids of the
 * remaining rows, which are up to 270 kB.
 */
export const BLOCK_BYTES = 524_288;
/**
 * Documents read at a time: with large rows few are read in vain, and with many lists at a time each makes progress.
 */
export const READ_AT_A_TIME = 100;
/** Rows read at first, before their size is known. */
const FIRST_GUESS = 8;

/** @throws ListTooLong if more rows follow the skipped ones than one query returns */
export function refuseMany(total: number, skip: number): void {
  if (total - skip > MOST_ROWS) throw new ListTooLong(total);
}

/** Bytes of a value as JSON. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** Rows of one message. */
export class RowBlock<View> {
  readonly items: View[] = [];
  private bytes = 0;

  /** Adds a row if it fits. Returns whether it did. */
  takes(view: View): boolean {
    const bytes = jsonBytes(view) + 1;
    if (this.bytes + bytes > BLOCK_BYTES) return false;
    this.bytes += bytes;
    this.items.push(view);
    return true;
  }

  /** How many further rows may fit, by the size of those before. */
  guess(): number {
    const mean = this.bytes / this.items.length;
    if (this.items.length === 0) return FIRST_GUESS;
    return Math.min(READ_AT_A_TIME, Math.ceil((BLOCK_BYTES - this.bytes) / mean));
  }
}
