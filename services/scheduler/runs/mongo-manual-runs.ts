import type { Collection } from "mongodb";
import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import type { TaskDue } from "../../../shared/contracts/task-events.ts";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import type { ManualRun } from "./manual-runs.ts";

const READ_AT_A_TIME = 100;
/** A task's events of a minute are fewer, unless it fires more often than it can. */
const MOST_EVENTS = 5000;

/**
 * Finds a task's runs by hand since an instant, the oldest first: orders whose id is not that of a planned occurrence.
 * Reads the stream from its end, so that a long history costs nothing. Error: `STORE_UNAVAILABLE`.
 */
export function mongoManualRuns(events: Collection<EventDocument>) {
  async function read(taskId: string, since: number): Promise<readonly ManualRun[]> {
    const found: ManualRun[] = [];
    const cursor = events.find(
      { stream: `task-${taskId}` },
      {
        sort: { version: -1 },
        limit: MOST_EVENTS,
        batchSize: READ_AT_A_TIME,
        projection: { type: 1, time: 1, "data.runId": 1, "data.plannedAt": 1 },
      },
    );
    try {
      for await (const { type, time, data } of cursor) {
        if (time.getTime() <= since) break;
        if (type !== "task.due") continue;
        const { runId, plannedAt } = data as TaskDue["data"];
        const at = Date.parse(plannedAt);
        if (runId !== occurrenceId(taskId, at)) found.unshift({ runId, at });
      }
    } finally {
      await cursor.close();
    }
    return found;
  }
  return (taskId: string, since: number) => withStoreErrors(read(taskId, since));
}
