import type { ClientSession, Collection } from "mongodb";
import { AppError } from "../../../shared/errors.ts";
import { asked } from "../../../shared/event-store/store-errors.ts";

/** What became of a command. */
export interface CommandOutcome {
  readonly commandId: string;
  readonly taskId: string;
  /** Whether it changed its task. */
  readonly changed: boolean;
  /** Why it was refused; null where it was not. */
  readonly refusal: AppError | null;
  /** Instant (ms) after which the command is not carried out any more. */
  readonly deadline: number;
}

/** The commands that were carried out or refused, so that a repetition gets the same outcome and has no effect. */
export interface CommandLog {
  /** Those of these commands that are known. Error: `STORE_UNAVAILABLE`. */
  find(commandIds: readonly string[]): Promise<Map<string, CommandOutcome>>;
  /** Writes within the transaction that stores what the commands have changed. */
  write(session: ClientSession, outcomes: readonly CommandOutcome[]): Promise<void>;
}

/** One document of `scheduler_commands`. */
export interface CommandDocument {
  readonly _id: string;
  readonly task_id: string;
  readonly changed: boolean;
  readonly refusal: {
    readonly type: string;
    readonly message: string;
    readonly code: number;
    readonly data: unknown;
  } | null;
  readonly deadline: Date;
  /** The document may go: even a process whose clock is ten minutes behind refuses the command as late by then. */
  readonly expires_at: Date;
}

const CLOCK_SKEW_MS = 600_000;

export function mongoCommands(commands: Collection<CommandDocument>): CommandLog {
  return {
    async find(commandIds) {
      const found = await asked(commands.find({ _id: { $in: [...commandIds] } }).toArray());
      return new Map(found.map((document) => [document._id, fromDocument(document)]));
    },

    async write(session, outcomes) {
      if (outcomes.length > 0) await commands.insertMany(outcomes.map(toDocument), { session });
    },
  };
}

function toDocument({ commandId, taskId, changed, refusal, deadline }: CommandOutcome): CommandDocument {
  return {
    _id: commandId,
    task_id: taskId,
    changed,
    refusal: refusal && {
      type: refusal.type,
      message: refusal.message,
      code: refusal.code,
      data: refusal.data ?? null,
    },
    deadline: new Date(deadline),
    expires_at: new Date(deadline + CLOCK_SKEW_MS),
  };
}

function fromDocument({ _id, task_id, changed, refusal, deadline }: CommandDocument): CommandOutcome {
  return {
    commandId: _id,
    taskId: task_id,
    changed,
    refusal: refusal && AppError.restored(refusal),
    deadline: deadline.getTime(),
  };
}
