import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, documentOf } from "../bson/values.ts";
import type { UnitOfWork } from "./document-record.ts";

/** Two writers met on one document or one unique key; the later one loses (code 112). */
export class WriteConflict extends CommandFault {
  /** The open transaction that stands in the way; null where it has committed since the loser's snapshot. */
  readonly holder: UnitOfWork | null;

  constructor(holder: UnitOfWork | null) {
    super(
      112,
      "Write conflict during plan execution and yielding is disabled. Please retry your operation or multi-document transaction.",
    );
    this.holder = holder;
  }
}

export interface DuplicateKeyDetails {
  readonly namespace: string;
  readonly indexName: string;
  readonly keyPattern: BsonDocument;
  readonly keyValue: BsonDocument;
}

/** A unique index already holds the key (code 11000); clients read the index and the key from its details. */
export class DuplicateKey extends CommandFault {
  readonly #details: DuplicateKeyDetails;

  constructor(details: DuplicateKeyDetails, shownKey: string) {
    super(
      11000,
      `E11000 duplicate key error collection: ${details.namespace} index: ${details.indexName} dup key: ${shownKey}`,
    );
    this.#details = details;
  }

  override details(): BsonDocument {
    const { keyPattern, keyValue } = this.#details;
    return documentOf({ keyPattern, keyValue });
  }
}
