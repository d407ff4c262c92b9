import type { AppError } from "../errors.ts";
import type { Transaction } from "./event-store.ts";

/** What became of a command. */
export interface CommandOutcome {
  readonly commandId: string;
  /** What the command was about, e.g. the id of its task. */
  readonly subjectId: string;
  /** Whether it stored an event. */
  readonly changed: boolean;
  /** The rule that it broke; null where it was carried out. */
  readonly refusal: AppError | null;
  /** Instant (ms) after which the command is rejected. */
  readonly deadline: number;
}

/** The outcomes of commands, so that a repeated command has the outcome of the first one and no effect. */
export interface CommandOutcomes {
  /**
   * The outcomes stored under these command ids. Reads within the transaction where one is given.
   *
   * @throws `STORE_UNAVAILABLE`
   */
  find(
    commandIds: readonly string[],
    transaction: Transaction | null,
  ): Promise<ReadonlyMap<string, CommandOutcome>>;
  /** Stores outcomes in the transaction that stores the events. Absent where the events themselves are the memory. */
  write?(transaction: Transaction, outcomes: readonly CommandOutcome[]): Promise<void>;
}
