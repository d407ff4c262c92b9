import type { Collection } from "mongodb";
import type { TaskDue } from "../../../shared/contracts/task-events.ts";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";

/**
 * Finds the `task.due` of a run's latest attempt; null if it was purged.
 *
 * @throws `STORE_UNAVAILABLE`
 */
export function mongoDispatchedRuns(events: Collection<EventDocument>) {
  return async (taskId: string, runId: string): Promise<TaskDue["data"] | null> => {
    const query = { stream: `task-${taskId}`, type: "task.due", "data.runId": runId };
    const found = await withStoreErrors(events.findOne(query, { sort: { version: -1 } }));
    return found && (found.data as TaskDue["data"]);
  };
}
