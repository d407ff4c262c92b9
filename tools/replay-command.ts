import type { Db } from "mongodb";
import { operationReadModel } from "../services/records/operations/mongo-replay-operations.ts";
import { recordReadModel } from "../services/records/record/mongo-replay-records.ts";
import { taskReadModel } from "../services/scheduler/store/mongo-replay-tasks.ts";
import type { Config } from "../shared/config.ts";
import { compare, type Difference, rebuild } from "../shared/event-store/replay.ts";
import { withDatabase } from "./reach-store.ts";

type Print = (line: string) => void;

const models = [taskReadModel, recordReadModel, operationReadModel];
/** Further differences are counted but not printed. */
const PRINTED = 100;

/**
 * `replay`: rebuilds the read models from the events, in collections next to theirs. `replay --check`: compares them
 * with the events, prints each difference, and returns false if there is one.
 */
export async function replayCommand(
  config: Config,
  { check, print }: { check: boolean; print: Print },
): Promise<boolean> {
  return withDatabase(config, (db) => (check ? report(db, print) : rebuildAll(db, print)));
}

async function rebuildAll(db: Db, print: Print): Promise<true> {
  for (const model of models) {
    const { collection, count } = await rebuild(db, model);
    print(`${collection}: ${count} documents`);
  }
  return true;
}

async function report(db: Db, print: Print): Promise<boolean> {
  let count = 0;
  let compared = 0;
  let awaited = 0;
  for (const model of models) {
    for await (const difference of compare(db, model)) {
      if (difference.fault === "awaited") awaited += 1;
      else if (++count <= PRINTED) print(inWords(difference));
    }
    compared += await db.collection(model.collection).estimatedDocumentCount();
  }
  if (count > PRINTED) print(`and ${count - PRINTED} more`);
  if (awaited > 0)
    print(
      `${awaited} runs, skips or ends of runs are not recorded yet: their events are in an outbox or on the bus.`,
    );
  if (count > 0) print(count === 1 ? "1 difference." : `${count} differences.`);
  else print(`No difference: the read models (${compared} documents) agree with the events.`);
  return count === 0;
}

function inWords({ collection, id, fault, fields }: Difference): string {
  switch (fault) {
    case "awaited":
      return `${collection} ${id}: not written yet`;
    case "missing":
      return `${collection} ${id}: the document that the events lead to is missing`;
    case "unexpected":
      return `${collection} ${id}: the document has no events`;
    case "differs":
      return `${collection} ${id}: differs in ${fields.join(", ")}`;
  }
}
