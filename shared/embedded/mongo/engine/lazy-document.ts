import { decodeDocument } from "../bson/decode.ts";
import type { BsonDocument } from "../bson/values.ts";

/** The bytes of a document, decoded once, on first use. */
export class LazyDocument {
  readonly bytes: Uint8Array;
  #document: BsonDocument | null;

  constructor(bytes: Uint8Array, document: BsonDocument | null = null) {
    this.bytes = bytes;
    this.#document = document;
  }

  get document(): BsonDocument {
    this.#document ??= decodeDocument(this.bytes);
    return this.#document;
  }
}
