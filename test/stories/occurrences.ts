import assert from "node:assert/strict";
import type { Db } from "mongodb";

interface Accounted {
  readonly plannedAt: number;
  readonly lastPlannedAt: number;
  readonly count: number;
  readonly status: string;
}

/** What the store says of each planned occurrence of a task, in order. */
async function accountOf(db: Db, taskId: string): Promise<readonly Accounted[]> {
  const records = await db
    .collection("scheduler_task_record")
    .find({ task_id: taskId }, { sort: { start_datetime: 1 } })
    .toArray();
  return records.map((record) => ({
    plannedAt: record.start_datetime.getTime(),
    lastPlannedAt: (record.skip?.last_planned_datetime ?? record.start_datetime).getTime(),
    count: record.skip?.count ?? 1,
    status: record.status,
  }));
}

/**
 * Asserts the platform's promise for a task that is due at every multiple of a period: from the first to the last
 * occurrence on record, each is accounted for exactly once, by a run with an outcome or by a stated skip.
 */
export async function assertEachOccurrenceOnce(
  db: Db,
  taskId: string,
  periodMs: number,
): Promise<{ succeeded: number; skips: number }> {
  const account = await accountOf(db, taskId);
  assert.ok(account.length > 0, "nothing is on record");
  let next = account[0]?.plannedAt ?? 0;
  for (const entry of account) {
    const { plannedAt, lastPlannedAt, count, status } = entry;
    assert.equal(plannedAt, next, `an occurrence is missing or doubled before ${JSON.stringify(entry)}`);
    assert.equal((lastPlannedAt - plannedAt) / periodMs + 1, count, "a skip counts what it spans");
    assert.ok(!["queued", "running"].includes(status), `${new Date(plannedAt).toISOString()} has no outcome`);
    next = lastPlannedAt + periodMs;
  }
  const skips = account
    .filter(({ status }) => status === "skipped")
    .reduce((sum, { count }) => sum + count, 0);
  return { succeeded: account.filter(({ status }) => status === "succeeded").length, skips };
}
