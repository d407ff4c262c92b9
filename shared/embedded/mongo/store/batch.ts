import { decodeDocument } from "../bson/decode.ts";
import { encodeDocument } from "../bson/encode.ts";
import { documentLength } from "../bson/raw.ts";
import type { BsonDocument } from "../bson/values.ts";
import type { Pace } from "../pacing/pace.ts";

/**
 * The operations of one batch, in sequence:
 *
 *   put      1, collection id (u32), record id (u48), document
 *   remove   2, collection id (u32), record id (u48)
 *   catalog  3, document: a change of collections or indexes
 *   session  4, document: the outcome of a retryable write or a commit
 */
const PUT = 1;
const REMOVE = 2;
const CATALOG = 3;
const SESSION = 4;
const RECORD_HEADER = 11;

export interface BatchReader {
  put(collectionId: number, recordId: number, bytes: Uint8Array): void;
  remove(collectionId: number, recordId: number): void;
  catalog(change: BsonDocument): void;
  session(entry: BsonDocument): void;
}

/** The bytes of a batch, in consecutive pieces. */
export interface Batch {
  readonly pieces: readonly Uint8Array[];
  readonly length: number;
}

const EMPTY = Buffer.alloc(0);
const FIRST_PIECE = 1_024;
/** Maximum size of a piece: allocating one of many megabytes would block the event loop. */
const LARGEST_PIECE = 256 * 1_024;

/** Writes operations into a batch. */
export class BatchWriter {
  readonly #pieces: Buffer[] = [];
  #piece: Buffer = EMPTY;
  #at = 0;
  #closedBytes = 0;

  get isEmpty(): boolean {
    return this.size === 0;
  }

  get size(): number {
    return this.#closedBytes + this.#at;
  }

  put(collectionId: number, recordId: number, bytes: Uint8Array): void {
    this.#reserve(RECORD_HEADER + bytes.length);
    this.#addHeader(PUT, collectionId, recordId);
    this.#addBytes(bytes);
  }

  remove(collectionId: number, recordId: number): void {
    this.#reserve(RECORD_HEADER);
    this.#addHeader(REMOVE, collectionId, recordId);
  }

  catalog(change: BsonDocument): void {
    this.#addDocument(CATALOG, change);
  }

  session(entry: BsonDocument): void {
    this.#addDocument(SESSION, entry);
  }

  finish(): Batch {
    this.#closePiece();
    return { pieces: this.#pieces, length: this.#closedBytes };
  }

  #addDocument(code: number, document: BsonDocument): void {
    const bytes = encodeDocument(document);
    this.#reserve(1 + bytes.length);
    this.#at = this.#piece.writeUInt8(code, this.#at);
    this.#addBytes(bytes);
  }

  #addHeader(code: number, collectionId: number, recordId: number): void {
    this.#at = this.#piece.writeUInt8(code, this.#at);
    this.#at = this.#piece.writeUInt32LE(collectionId, this.#at);
    this.#at = this.#piece.writeUIntLE(recordId, this.#at, 6);
  }

  #addBytes(bytes: Uint8Array): void {
    this.#piece.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #reserve(size: number): void {
    if (this.#at + size <= this.#piece.length) return;
    const grown = Math.min(Math.max(FIRST_PIECE, this.#piece.length * 4), LARGEST_PIECE);
    this.#closePiece();
    this.#piece = Buffer.allocUnsafe(Math.max(size, grown));
  }

  #closePiece(): void {
    if (this.#at > 0) this.#pieces.push(this.#piece.subarray(0, this.#at));
    this.#closedBytes += this.#at;
    this.#piece = EMPTY;
    this.#at = 0;
  }
}

/** Calls the reader for each operation of a batch; documents are views of the batch's bytes. */
export async function readBatch(batch: Uint8Array, reader: BatchReader, pace: Pace): Promise<void> {
  const view = Buffer.from(batch.buffer, batch.byteOffset, batch.length);
  let at = 0;
  while (at < view.length) {
    at = readOperation(view, at, reader);
    if (pace.isOver()) await pace.pause();
  }
}

/** Returns the position after the operation. */
function readOperation(view: Buffer, start: number, reader: BatchReader): number {
  const code = view[start]!;
  if (code === CATALOG || code === SESSION) {
    const document = decodeDocument(view, start + 1);
    if (code === CATALOG) reader.catalog(document);
    else reader.session(document);
    return start + 1 + documentLength(view, start + 1);
  }
  const collectionId = view.readUInt32LE(start + 1);
  const recordId = view.readUIntLE(start + 5, 6);
  const at = start + RECORD_HEADER;
  if (code === PUT) {
    const end = at + documentLength(view, at);
    reader.put(collectionId, recordId, view.subarray(at, end));
    return end;
  }
  if (code !== REMOVE) throw new RangeError(`unknown operation ${code} in a stored batch`);
  reader.remove(collectionId, recordId);
  return at;
}
