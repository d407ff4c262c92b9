import type { LazyDocument } from "./lazy-document.ts";

/** A committed state of a document that some open snapshot may still need; `bytes` is null after a delete. */
export interface Version {
  readonly committedAt: number;
  readonly bytes: Uint8Array | null;
  readonly older: Version | null;
}

/**
 * One document through time: its newest committed version, older ones that open snapshots still see, and at most one
 * write that is uncommitted, or committed and not yet installed here. The record itself holds the newest version:
 * most records have no other, and one object less per document saves memory.
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
  get hasOneVersion(): boolean {
    return this.pending === null && this.older === null;
  }
}

/** What a statement may see: everything committed up to `at`, and the writes of its own transaction. */
export interface ReadView {
  readonly at: number;
  readonly transaction: UnitOfWork | null;
}

/** The transaction that owns a write, as records, indexes and collections see it. */
export interface UnitOfWork extends ReadView {
  readonly writes: Write[];
  /**
   * The commit's number on the clock of versions; infinite before. Its writes count from then on, even before they
   * are installed.
   */
  readonly committedAt: number;
  /** Moves a committed write into its record; null before the commit. */
  readonly install: ((write: Write) => void) | null;
  /** True while its command may write documents that violate the rules of their collection. */
  readonly bypassesRules: boolean;
  /** Settles when the transaction has committed or aborted. */
  readonly finished: Promise<void>;
  /** @throws CommandFault 251 once the transaction has begun to commit or to abort */
  requireTakesWrites(): void;
}

/**
 * One write of a transaction, which is also the one uncommitted state that its record can have. Commit installs it, a
 * rollback undoes it. A large statement makes very many of these: hence one object, without lists of keys that can be
 * computed from the bytes.
 */
export interface Write {
  readonly owner: UnitOfWork;
  readonly collection: RecordOwner;
  readonly record: DocumentRecord;
  /** null for a removal. */
  readonly bytes: Uint8Array | null;
  /** The transaction's own earlier write to the record, which comes back when this one is undone. */
  readonly before: Write | null;
  /** Index entries that came with it; null for an insert: all that its bytes have. */
  readonly added: readonly IndexKeys[] | null;
  /** Index entries that it makes obsolete; null for a removal: all that the bytes before it had. */
  readonly dropped: readonly IndexKeys[] | null;
}

/** Keys that a write added to, or made obsolete in, one index. */
export interface IndexKeys {
  readonly index: EntryOwner;
  readonly keys: readonly string[];
}

/** The collection of a record, as far as versions and writes use it. */
export interface RecordOwner {
  readonly id: number;
  readonly isDropped: boolean;
  readonly records: { delete(record: DocumentRecord): void };
  /** Undoes one write, which must be the last that its transaction made to the record. */
  undo(write: Write): void;
  /** Returns the entries that a document with these bytes has in all indexes. */
  everyKey(bytes: Uint8Array | null): IndexKeys[];
  /** Removes entries except those that a remaining version of the record has too. */
  dropEntries(record: DocumentRecord, obsolete: readonly IndexKeys[]): void;
}

/** The index of an entry, as far as versions and writes use it. */
export interface EntryOwner {
  readonly entries: { remove(key: string, record: DocumentRecord): void };
  holds(key: string, source: LazyDocument): boolean;
  removeEntries(keys: readonly string[], record: DocumentRecord): void;
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

/** Installs a committed write that the record has not received yet. Every writer calls this first. */
export function installPending({ pending }: DocumentRecord): void {
  if (pending !== null) pending.owner.install?.(pending);
}
