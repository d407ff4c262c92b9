import type { Db } from "mongodb";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { type TaskDocument, toDocument } from "../../services/scheduler/store/task-document.ts";
import { task } from "../../services/scheduler/task/task.ts";
import type { DefinedTask } from "../../services/scheduler/task/task-state.ts";
import { exampleDefinition } from "../../shared/contracts/task-definition.ts";
import type { TaskEvent } from "../../shared/contracts/task-events.ts";
import { seal } from "../../shared/envelope.ts";
import { type EventDocument, toEventDocument } from "../../shared/event-store/event-document.ts";
import { objectId } from "../../shared/ids.ts";

export interface Seed {
  readonly count: number;
  readonly strategy: "date" | "interval";
  readonly nextRunAt: (index: number) => number;
}

const CHUNK = 2000;

/** Stores tasks with their events, as creating them over HTTP would, in bulk. */
export async function seedTasks(db: Db, { count, strategy, nextRunAt }: Seed): Promise<void> {
  await ensureIndexes(db, ["events", "scheduler_task_list"]);
  const now = Date.now();
  for (let start = 0; start < count; start += CHUNK) {
    const events: EventDocument[] = [];
    const tasks: TaskDocument[] = [];
    for (let index = start; index < Math.min(count, start + CHUNK); index++) {
      const created = taskCreated(strategy, nextRunAt(index), now);
      const taskId = (created.data as { taskId: string }).taskId;
      events.push(toEventDocument(seal(created, { subject: `task-${taskId}`, now }), 1));
      tasks.push(toDocument(task.evolve(task.initialState, created) as DefinedTask, 1));
    }
    await db.collection<EventDocument>("events").insertMany(events);
    await db.collection<TaskDocument>("scheduler_task_list").insertMany(tasks);
  }
}

function taskCreated(strategy: Seed["strategy"], nextRunAt: number, now: number): TaskEvent {
  const shanghai = new Date(nextRunAt + 8 * 3_600_000).toISOString();
  return {
    type: "task.created",
    data: {
      taskId: objectId(now),
      ...exampleDefinition,
      handler: "bench.noop",
      params: {},
      strategy,
      expression: strategy === "date" ? shanghai.slice(0, 19).replace("T", " ") : "1 * * * *",
      // Aligned: all of them share the instant of each second.
      startAt: strategy === "interval" ? new Date(nextRunAt).toISOString() : null,
      isActive: true,
      nextRunAt: new Date(nextRunAt).toISOString(),
      at: new Date(now).toISOString(),
    },
  };
}
