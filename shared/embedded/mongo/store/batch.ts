import { decodeDocument } from "../bson/decode.ts";
import { encodeDocument } from "../bson/encode.ts";
import { documentLength } from "../bson/raw.ts";
import type { BsonDocument } from "../bson/values.ts";

/**
 * The operations of one batch, one behind the other:
 *
 *   put      1, collection id (u32), record id (u48), document
 *   remove   2, collection id (u32), record id (u48)
 *   catalog  3, document: a change of collections or indexes
 *   session  4, document: what a retryable write or a commit has answered
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

/** Collects operations and writes them into one buffer of exact size. */
export class BatchWriter {
  readonly #operations: { code: number; collectionId: number; recordId: number; bytes: Uint8Array | null }[] =
    [];
  #size = 0;

  get isEmpty(): boolean {
    return this.#operations.length === 0;
  }

  get size(): number {
    return this.#size;
  }

  put(collectionId: number, recordId: number, bytes: Uint8Array): void {
    this.#add({ code: PUT, collectionId, recordId, bytes }, RECORD_HEADER + bytes.length);
  }

  remove(collectionId: number, recordId: number): void {
    this.#add({ code: REMOVE, collectionId, recordId, bytes: null }, RECORD_HEADER);
  }

  catalog(change: BsonDocument): void {
    this.#addDocument(CATALOG, change);
  }

  session(entry: BsonDocument): void {
    this.#addDocument(SESSION, entry);
  }

  finish(): Uint8Array {
    const batch = Buffer.allocUnsafeSlow(this.#size);
    let at = 0;
    for (const { code, collectionId, recordId, bytes } of this.#operations) {
      at = batch.writeUInt8(code, at);
      if (code === PUT || code === REMOVE) {
        at = batch.writeUInt32LE(collectionId, at);
        at = batch.writeUIntLE(recordId, at, 6);
      }
      if (bytes !== null) {
        batch.set(bytes, at);
        at += bytes.length;
      }
    }
    return batch;
  }

  #addDocument(code: number, document: BsonDocument): void {
    const bytes = encodeDocument(document);
    this.#add({ code, collectionId: 0, recordId: 0, bytes }, 1 + bytes.length);
  }

  #add(
    operation: { code: number; collectionId: number; recordId: number; bytes: Uint8Array | null },
    size: number,
  ): void {
    this.#operations.push(operation);
    this.#size += size;
  }
}

/** Calls the reader for each operation of a batch; documents are views of the batch's bytes. */
export function readBatch(batch: Uint8Array, reader: BatchReader): void {
  const view = Buffer.from(batch.buffer, batch.byteOffset, batch.length);
  let at = 0;
  while (at < view.length) {
    const code = view[at]!;
    if (code === CATALOG || code === SESSION) {
      const document = decodeDocument(view, at + 1);
      at += 1 + documentLength(view, at + 1);
      if (code === CATALOG) reader.catalog(document);
      else reader.session(document);
      continue;
    }
    const collectionId = view.readUInt32LE(at + 1);
    const recordId = view.readUIntLE(at + 5, 6);
    at += RECORD_HEADER;
    if (code === PUT) {
      const end = at + documentLength(view, at);
      reader.put(collectionId, recordId, view.subarray(at, end));
      at = end;
    } else if (code === REMOVE) reader.remove(collectionId, recordId);
    else throw new RangeError(`unknown operation ${code} in a stored batch`);
  }
}
