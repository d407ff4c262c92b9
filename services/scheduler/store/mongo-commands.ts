import type { Collection } from "mongodb";
import { AppError } from "../../../shared/errors.ts";
import type { CommandOutcome, CommandOutcomes } from "../../../shared/event-store/command-outcomes.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import { sessionOf } from "../../../shared/event-store/mongo-transaction.ts";

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
  /**
   * From here on the document may be removed: a process whose clock is ten minutes behind rejects the command as
   * late.
   */
  readonly expires_at: Date;
}

const CLOCK_SKEW_MS = 600_000;

/** The outcomes of the commands on tasks. */
export function mongoCommands(commands: Collection<CommandDocument>): Required<CommandOutcomes> {
  return {
    async find(commandIds, transaction) {
      const session = transaction ? { session: sessionOf(transaction) } : {};
      const query = { _id: { $in: [...commandIds] } };
      const found = await withStoreErrors(commands.find(query, session).toArray());
      return new Map(found.map((document) => [document._id, fromDocument(document)]));
    },

    async write(transaction, outcomes) {
      if (outcomes.length === 0) return;
      await commands.insertMany(outcomes.map(toDocument), { session: sessionOf(transaction) });
    },
  };
}

function toDocument({ commandId, subjectId, changed, refusal, deadline }: CommandOutcome): CommandDocument {
  return {
    _id: commandId,
    task_id: subjectId,
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
    subjectId: task_id,
    changed,
    refusal: refusal && AppError.restored(refusal),
    deadline: deadline.getTime(),
  };
}
