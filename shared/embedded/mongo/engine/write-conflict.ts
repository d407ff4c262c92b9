import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, documentOf } from "../bson/values.ts";
import type { UnitOfWork } from "./document-record.ts";

/** Two transactions wrote one document or one unique key; the later one fails (code 112). */
export class WriteConflict extends CommandFault {
  /** The open transaction that holds the document or key; null if it has committed since the snapshot. */
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

/** A unique index already has the key (code 11000). Clients read the index and the key from the details. */
export class DuplicateKey extends CommandFault {
  readonly #details: DuplicateKeyDetails;

  constructor(details: DuplicateKeyDetails, formattedKey: string) {
    super(
      11000,
      `E11000 duplicate key error collection: ${details.namespace} index: ${details.indexName} dup key: ${formattedKey}`,
    );
    this.#details = details;
  }

  override details(): BsonDocument {
    const { keyPattern, keyValue } = this.#details;
    return documentOf({ keyPattern, keyValue });
  }
}
