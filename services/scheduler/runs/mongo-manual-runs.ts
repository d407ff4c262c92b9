import type { Collection } from "mongodb";
import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import type { TaskDue } from "../../../shared/contracts/task-events.ts";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import type { ManualRun } from "./manual-runs.ts";

const BATCH_SIZE = 100;
/** More events than a task can have in a minute. */
const MAX_EVENTS = 5000;

/**
 * Finds the manual runs of a task since an instant, oldest first: runs whose id is not that of a planned occurrence.
 * Reads the stream backwards, so that the length of the history does not matter.
 *
 * @throws `STORE_UNAVAILABLE`
 */
export function mongoManualRuns(events: Collection<EventDocument>) {
  async function read(taskId: string, since: number): Promise<readonly ManualRun[]> {
    const found: ManualRun[] = [];
    const cursor = events.find(
      { stream: `task-${taskId}` },
      {
        sort: { version: -1 },
        limit: MAX_EVENTS,
        batchSize: BATCH_SIZE,
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
