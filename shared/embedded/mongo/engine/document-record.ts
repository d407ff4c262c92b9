import type { Transaction, Write } from "./transaction.ts";

/** A committed state of a document that some open snapshot may still need; `bytes` is null after a delete. */
export interface Version {
  readonly committedAt: number;
  readonly bytes: Uint8Array | null;
  readonly older: Version | null;
}

/**
 * One document through time: its newest committed version, older ones that open snapshots still see, and at
 * most one write that waits for its commit, or to be moved here behind it. The newest version sits in the record itself: most records have no other, and
 * an object less per document is memory that counts.
 */
export class DocumentRecord {
  /** Rises with each insert into the collection: the natural order, and the document's name in the log. */
  readonly id: number;
  /** 0 while the insert is uncommitted. */
  committedAt = 0;
  bytes: Uint8Array | null = null;
  older: Version | null = null;
  pending: Write | null = null;

  constructor(id: number) {
    this.id = id;
  }

  /** True where every index entry of the record belongs to its one version. */
  get isSettled(): boolean {
    return this.pending === null && this.older === null;
  }
}

/** What a statement may see: everything committed up to `at`, and the writes of its own transaction. */
export interface ReadView {
  readonly at: number;
  readonly transaction: Transaction | null;
}

/** The bytes of the record that a view sees; null where there is no document for it. */
export function visibleBytes(record: DocumentRecord, view: ReadView): Uint8Array | null {
  const pending = record.pending;
  if (pending !== null && (pending.owner === view.transaction || pending.owner.committedAt <= view.at))
    return pending.bytes;
  if (record.committedAt <= view.at) return record.bytes;
  for (let version = record.older; version !== null; version = version.older) {
    if (version.committedAt <= view.at) return version.bytes;
  }
  return null;
}

/** Moves what has been committed into the record, if it still waits for that: whoever wants to write comes first. */
export function settle({ pending }: DocumentRecord): void {
  if (pending !== null) pending.owner.install?.(pending);
}
