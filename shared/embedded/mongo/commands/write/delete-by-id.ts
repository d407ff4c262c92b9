import { BsonType } from "../../bson/bson-type.ts";
import { ElementCursor } from "../../bson/element-cursor.ts";
import { int32At } from "../../bson/raw.ts";
import type { Collection } from "../../engine/collection.ts";
import type { Transaction } from "../../engine/transaction.ts";
import type { StatementOutcome } from "../../session/statement-outcomes.ts";
import { keyIn } from "./update-by-id.ts";

/** The most frequent deletion, `{ q: { _id: <ObjectId or text> }, limit: 1 }`, executed without decoding. */
export class DeleteById {
  /** The position of the statement. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly #key: string;

  private constructor(key: string, { bytes, offset }: { bytes: Uint8Array; offset: number }) {
    this.#key = key;
    this.bytes = bytes;
    this.offset = offset;
  }

  /** Reads a valid statement of a delete command; null for any other kind. */
  static read(bytes: Uint8Array, offset: number): DeleteById | null {
    let key: string | null = null;
    let isOne = false;
    const cursor = new ElementCursor(bytes, offset);
    while (cursor.next()) {
      if (cursor.name === "q") key = keyIn(cursor);
      else if (cursor.name === "limit")
        isOne = cursor.type === BsonType.int && int32At(bytes, cursor.offset) === 1;
      else return null;
    }
    return key === null || !isOne ? null : new DeleteById(key, { bytes, offset });
  }

  /**
   * Returns null if ids compare by a collation: the statement must be decoded then.
   * @throws WriteConflict (nothing is written then)
   */
  run(collection: Collection | undefined, transaction: Transaction): StatementOutcome | null {
    if (collection?.collation !== undefined) return null;
    const record = collection?.findById(this.#key, transaction);
    if (collection === undefined || record === undefined) return NOTHING;
    collection.remove(transaction, record);
    return REMOVED;
  }
}

const NOTHING: StatementOutcome = { n: 0, nModified: 0 };
const REMOVED: StatementOutcome = { n: 1, nModified: 0 };
