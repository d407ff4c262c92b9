import type { SqlEntityManager } from "@mikro-orm/postgresql";
import { AppError, type ErrorFacts } from "../errors.ts";
import type { CommandOutcome, CommandOutcomes } from "./command-outcomes.ts";
import { withStoreErrors } from "./orm-errors.ts";
import { toDate } from "./orm-event-rows.ts";
import { emOf } from "./orm-transaction.ts";

/** A row of `kinit_command`. */
interface CommandRow {
  readonly id: string;
  readonly subject_id: string;
  readonly changed: boolean;
  readonly refusal: ErrorFacts | null;
  readonly deadline: Date | string;
}

/** Rows are removed when any process would reject their command as late, even with a clock ten minutes behind. */
const CLOCK_SKEW_MS = 600_000;

/** The outcomes of commands on PostgreSQL, and their removal. */
export interface OrmCommandOutcomes extends Required<CommandOutcomes> {
  purge(now: number): Promise<void>;
}

export function ormCommandOutcomes(root: SqlEntityManager): OrmCommandOutcomes {
  return {
    async find(commandIds, transaction) {
      if (commandIds.length === 0) return new Map();
      const em = transaction ? emOf(transaction) : root.fork();
      const query = `select * from kinit_command where id in (${commandIds.map(() => "?").join(", ")})`;
      const rows = await withStoreErrors(em.execute<CommandRow[]>(query, [...commandIds]));
      return new Map(rows.map((row) => [row.id, toOutcome(row)]));
    },

    async write(transaction, outcomes) {
      if (outcomes.length === 0) return;
      const values = outcomes.map(() => "(?, ?, ?, ?::jsonb, ?)").join(", ");
      await emOf(transaction).execute(
        `insert into kinit_command (id, subject_id, changed, refusal, deadline) values ${values}`,
        outcomes.flatMap(toParams),
      );
    },

    async purge(now) {
      const before = new Date(now - CLOCK_SKEW_MS);
      await withStoreErrors(root.fork().execute("delete from kinit_command where deadline < ?", [before]));
    },
  };
}

function toParams({ commandId, subjectId, changed, refusal, deadline }: CommandOutcome): unknown[] {
  const facts = refusal && {
    type: refusal.type,
    message: refusal.message,
    code: refusal.code,
    data: refusal.data ?? null,
  };
  return [commandId, subjectId, changed, facts && JSON.stringify(facts), new Date(deadline)];
}

function toOutcome({ id, subject_id, changed, refusal, deadline }: CommandRow): CommandOutcome {
  return {
    commandId: id,
    subjectId: subject_id,
    changed,
    refusal: refusal && AppError.restored(refusal),
    deadline: toDate(deadline).getTime(),
  };
}
