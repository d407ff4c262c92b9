import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { documentOf } from "../bson/values.ts";

/** The outcome of one statement of a retryable write, which a retry returns. */
export interface StatementOutcome {
  readonly n: number;
  readonly nModified: number;
  /** The `_id` of an upserted document. */
  readonly upserted?: BsonValue | undefined;
  /** The whole reply of a `findAndModify`. */
  readonly reply?: BsonDocument | undefined;
}

export const INSERTED: StatementOutcome = { n: 1, nModified: 0 };

const isPlain = ({ upserted, reply }: StatementOutcome): boolean =>
  upserted === undefined && reply === undefined;

interface Run {
  readonly outcome: StatementOutcome;
  next: number;
  readonly run: BsonDocument;
}

/** Stored outcomes: one document per run of equal outcomes, since most statements of a bulk have the same. */
export function encodeOutcomes(outcomes: ReadonlyMap<number, StatementOutcome>): BsonDocument[] {
  const runs: BsonDocument[] = [];
  let previous: Run | null = null;
  for (const [statement, outcome] of outcomes) {
    const { n, nModified, upserted, reply } = outcome;
    if (
      previous !== null &&
      previous.next === statement &&
      isPlain(outcome) &&
      isPlain(previous.outcome) &&
      previous.outcome.n === n &&
      previous.outcome.nModified === nModified
    ) {
      previous.run.set("count", (previous.run.get("count") as number) + 1);
      previous.next += 1;
      continue;
    }
    const run = documentOf({ statement, count: 1, n, nModified, upserted, reply });
    runs.push(run);
    previous = { outcome, next: statement + 1, run };
  }
  return runs;
}

export function decodeOutcomes(runs: readonly BsonDocument[]): Map<number, StatementOutcome> {
  const outcomes = new Map<number, StatementOutcome>();
  for (const run of runs) {
    const outcome: StatementOutcome = {
      n: run.get("n") as number,
      nModified: run.get("nModified") as number,
      upserted: run.get("upserted"),
      reply: run.get("reply") as BsonDocument | undefined,
    };
    const first = run.get("statement") as number;
    for (let i = 0; i < (run.get("count") as number); i++) outcomes.set(first + i, outcome);
  }
  return outcomes;
}
