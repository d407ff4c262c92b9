import type { Collation } from "../bson/collation.ts";
import type { BsonDocument, Timestamp } from "../bson/values.ts";
import type { Scope } from "../expression/scope.ts";

export interface UpdateOptions {
  readonly arrayFilters?: readonly BsonDocument[] | undefined;
  /** Variables of pipeline updates and of `$expr` in array filters. */
  readonly scope?: Scope | undefined;
  readonly collation?: Collation | undefined;
  readonly now?: (() => number) | undefined;
  /** The time that replaces empty timestamps of a replacement; without it they stay empty. */
  readonly nextTimestamp?: (() => Timestamp) | undefined;
}

export interface UpdateTarget {
  /** True for the document that an upsert inserts. */
  readonly isInsert: boolean;
  /** The array position that the filter matched at, for the positional `$`. */
  readonly matchedIndex?: number | undefined;
}

/** Computes the updated document; `changed` is false if its bytes would be the same. */
export type Update = (doc: BsonDocument, target: UpdateTarget) => { doc: BsonDocument; changed: boolean };
