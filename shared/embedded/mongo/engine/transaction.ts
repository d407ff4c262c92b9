import { CommandFault } from "../bson/fault.ts";
import type { Collection } from "./collection.ts";
import type { UnitOfWork, Write } from "./document-record.ts";

/**
 * A snapshot, and writes that only the transaction itself sees before its commit.
 *
 * Plain statements are transactions too. `isPlain` means that only the statement depends on the snapshot, so after
 * a conflict it waits and retries instead of failing.
 */
export class Transaction implements UnitOfWork {
  readonly at: number;
  readonly isPlain: boolean;
  readonly writes: Write[] = [];
  /** Uncommitted collections of this transaction, by namespace. */
  readonly created = new Map<string, Collection>();
  /** False once it has committed or aborted. */
  isOpen = true;
  /** False once it begins to commit or to abort; both may take a while. */
  takesWrites = true;
  /**
   * The commit's number on the clock of versions; infinite before. Its writes count from then on, even before they
   * are installed.
   */
  committedAt = Number.POSITIVE_INFINITY;
  /** Moves a committed write into its record; null before the commit. */
  install: ((write: Write) => void) | null = null;
  /** True if it was aborted because it may depend on a commit that the store failed to write. */
  isVoid = false;
  /** True while its command may write documents that violate the rules of their collection. */
  bypassesRules = false;
  #finished: PromiseWithResolvers<void> | null = null;

  constructor(at: number, isPlain: boolean) {
    this.at = at;
    this.isPlain = isPlain;
  }

  get transaction(): Transaction {
    return this;
  }

  /** Settles when the transaction has committed or aborted. */
  get finished(): Promise<void> {
    if (!this.isOpen) return Promise.resolve();
    this.#finished ??= Promise.withResolvers<void>();
    return this.#finished.promise;
  }

  /** @throws CommandFault 251 for a statement whose transaction was ended while it ran */
  requireTakesWrites(): void {
    if (this.takesWrites) return;
    throw new CommandFault(251, "The transaction has been aborted.", ["TransientTransactionError"]);
  }

  finish(): void {
    this.isOpen = false;
    this.takesWrites = false;
    this.#finished?.resolve();
  }
}
