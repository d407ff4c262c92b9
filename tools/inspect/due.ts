import type { Db } from "mongodb";
import type { TaskDocument } from "../../services/scheduler/store/task-document.ts";
import type { Inspected, Inspection, InspectionRequest } from "./inspection.ts";
import { counted, duration, table } from "./text.ts";

const PLANNED = { next_run_at: { $ne: null } };

/** `due`: the tasks whose next occurrence comes first. */
export const due: Inspection = {
  name: "due",
  summary: "tasks by their next occurrence, the earliest first",
  takesId: false,
  defaultLimit: 20,
  inspect,
};

async function inspect(db: Db, { limit, now }: InspectionRequest): Promise<Inspected> {
  const tasks = db.collection<TaskDocument>("scheduler_task_list");
  const [documents, total] = await Promise.all([
    tasks.find(PLANNED, { sort: { next_run_at: 1, _id: 1 }, limit }).toArray(),
    tasks.countDocuments(PLANNED),
  ]);
  const rows = documents.map((document) => rowOf(document, now));
  return { json: { tasks: rows, total }, lines: linesOf(rows, total) };
}

function rowOf({ _id, name, job_class, next_run_at, running }: TaskDocument, now: number) {
  const nextRunAt = next_run_at as Date;
  return {
    id: _id.toHexString(),
    name,
    handler: job_class,
    nextRunAt: nextRunAt.toISOString(),
    dueInMs: nextRunAt.getTime() - now,
    openRuns: running.length,
  };
}

function linesOf(rows: readonly ReturnType<typeof rowOf>[], total: number): readonly string[] {
  if (total === 0) return ["No task has a next occurrence."];
  const header = ["DUE IN", "PLANNED TIME", "TASK", "OPEN RUNS", "NAME", "HANDLER"];
  const cells = rows.map(({ id, name, handler, nextRunAt, dueInMs, openRuns }) => [
    duration(dueInMs),
    nextRunAt,
    id,
    String(openRuns),
    name,
    handler,
  ]);
  const rest = total - rows.length;
  return [
    ...table([header, ...cells]),
    ...(rest > 0 ? [`${counted(rest, "further task")}; --limit 0 shows all`] : []),
  ];
}
