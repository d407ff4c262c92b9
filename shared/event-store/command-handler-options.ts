import type { Clock } from "../clock.ts";
import type { CommandOutcomes } from "./command-outcomes.ts";
import type { DecidedCommand, Versioned } from "./decide-batch.ts";
import type { Decider } from "./decider.ts";
import type { EventStore, Transaction } from "./event-store.ts";

/** Where the states of one kind of stream are stored. */
export interface StateStore<State, Command, Event> {
  /** The states under these ids; unknown ids are left out. Reads within the transaction where one is given. */
  load(
    ids: readonly string[],
    reading: { readonly transaction: Transaction | null; readonly commands: readonly Command[] },
  ): Promise<ReadonlyMap<string, Versioned<State>>>;
  /** Writes new states in the transaction that stores the events. */
  write(transaction: Transaction, changes: readonly StateChange<State, Command, Event>[]): Promise<void>;
}

/** One state's step. */
export interface StateChange<State, Command, Event> {
  readonly id: string;
  readonly before: State;
  readonly after: State;
  /** Events on the stream. It stays the same where the state follows from events of other streams only. */
  readonly version: number;
  readonly previousVersion: number;
  readonly decided: readonly DecidedCommand<Command, Event>[];
}

/** Keeps what was decided under an old epoch from being stored. */
export interface CommandFence<Command> {
  /** The epoch that commands are decided under now. Throws if there is none. */
  epoch(): number;
  /** Makes the transaction fail unless the epoch is the newest one. */
  hold(transaction: Transaction, epoch: number): Promise<void>;
  /** Throws unless the epoch is the newest one; for decisions that store nothing. */
  check(epoch: number): Promise<void>;
  /** False for commands that need no check where they store nothing: their sender submits them again. */
  isRelevant(command: Command): boolean;
}

/** A batch that was rejected. */
export interface RejectedBatch {
  readonly error: unknown;
  readonly ids: readonly string[];
  /** The epoch under which it was to be decided; null without a fence or an epoch. */
  readonly epoch: number | null;
}

/** Where a decided event goes: to its stream as a new event, to it under its own id, or into the state only. */
export type Destination = "append" | "keep" | "fold";

export interface CommandHandlerOptions<State, Command, Event> {
  readonly store: EventStore;
  readonly decider: Decider<State, Command, Event>;
  /** First part of the streams' names: `task` for `task-<id>`. */
  readonly stream: string;
  readonly states: StateStore<State, Command, Event>;
  readonly clock: Clock;
  /** Ids of one transaction. */
  readonly maxBatch: number;
  /**
   * `before`: states are read before the transaction, which is left out where nothing changes. For states that change
   * only with the version of their stream. `within`: they are read, and commands are decided, in the transaction.
   */
  readonly reads: "before" | "within";
  /** By default every event is appended. */
  readonly destinationOf?: (event: Event) => Destination;
  /**
   * False for commands that never append an event. They are handled also while the outbox is full, and are decided
   * before the other commands of their batch. Default: true.
   */
  readonly mayAppend?: (command: Command) => boolean;
  readonly fence?: CommandFence<Command>;
  readonly outcomes?: CommandOutcomes;
  /** States kept in memory. The caller adds and removes them; the handler keeps them current. */
  readonly cache?: Map<string, Versioned<State>>;
  /** Called after the commit, in order, for each state that has changed, or may have with an earlier submission. */
  readonly onMoved?: (id: string, now: Versioned<State>, before: State) => void;
  /** Called for a batch that was rejected; nothing is decided on its ids until it resolves. */
  readonly onRejected?: (batch: RejectedBatch) => void | Promise<void>;
}
