import { CommandFault } from "../bson/fault.ts";
import type { Collection } from "./collection.ts";
import type { UnitOfWork, Write } from "./document-record.ts";

/**
 * A unit of work: a snapshot, and writes that nobody else sees before commit.
 *
 * Plain statements are transactions too; `isPlain` says that nobody beyond the statement depends on the
 * snapshot, so a conflict is waited for and tried again instead of being reported.
 */
export class Transaction implements UnitOfWork {
  readonly at: number;
  readonly isPlain: boolean;
  readonly writes: Write[] = [];
  /** Collections that exist for this transaction only, until it commits; by namespace. */
  readonly created = new Map<string, Collection>();
  /** False once it has committed or aborted. */
  isOpen = true;
  /** False from the moment at which it begins to commit or to abort: both may take a while. */
  takesWrites = true;
  /** When it has committed; infinite before. Its writes count from then on, wherever they still wait. */
  committedAt = Number.POSITIVE_INFINITY;
  /** Moves a write that has been committed into its record. */
  install: ((write: Write) => void) | null = null;
  /** True where it was ended because it may have built upon a commit that the store has refused. */
  isVoid = false;
  /** The command at work may write documents that break the rules of their collection. */
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

  /** @throws CommandFault 251 for a statement that was still at work when somebody ended its transaction */
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
