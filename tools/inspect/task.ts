import { type Db, ObjectId } from "mongodb";
import { type RecordDocument, toView as toRecord } from "../../services/records/record/record-document.ts";
import { type TaskDocument, toView as toTask } from "../../services/scheduler/store/task-document.ts";
import { AppError } from "../../shared/errors.ts";
import type { Inspected, Inspection, InspectionRequest } from "./inspection.ts";
import { duration, jsonLine, table } from "./text.ts";

/** `task`: one task as the scheduler sees it, and what became of its last occurrences. */
export const task: Inspection = {
  name: "task",
  summary: "a task with its open runs and its latest records",
  takesId: true,
  defaultLimit: 5,
  inspect,
};

async function inspect(db: Db, { id, limit, now }: InspectionRequest): Promise<Inspected> {
  if (!ObjectId.isValid(id)) throw new TaskNotFound(id);
  const [document, records] = await Promise.all([
    db.collection<TaskDocument>("scheduler_task_list").findOne({ _id: new ObjectId(id) }),
    db
      .collection<RecordDocument>("scheduler_task_record")
      .find({ task_id: id }, { sort: { start_datetime: -1 }, limit })
      .toArray(),
  ]);
  if (document === null) throw new TaskNotFound(id);
  const view = { ...toTask(document), version: document.version, openRuns: openRunsOf(document) };
  const latest = records.map(toRecord);
  return { json: { task: view, records: latest }, lines: linesOf(view, latest, now) };
}

const openRunsOf = ({ running }: TaskDocument) =>
  running.map(({ run_id, attempt, planned_datetime, is_revoked }) => ({
    runId: run_id,
    attempt,
    plannedAt: planned_datetime.toISOString(),
    isRevoked: is_revoked,
  }));

type View = ReturnType<typeof toTask> & { readonly openRuns: ReturnType<typeof openRunsOf> };

function linesOf(
  view: View,
  records: readonly ReturnType<typeof toRecord>[],
  now: number,
): readonly string[] {
  const { nextRunAt, openRuns } = view;
  const dueIn = nextRunAt === null ? "" : ` (in ${duration(Date.parse(nextRunAt) - now)})`;
  return [
    ...table([
      ["id", view.id],
      ["name", view.group === null ? view.name : `${view.name} (group ${view.group})`],
      ["status", view.status],
      ["handler", `${view.handler} ${jsonLine(view.params)}`],
      ["trigger", [view.strategy, view.expression, view.timezone].filter(Boolean).join(" ")],
      ["policies", `misfire ${view.misfire}, grace ${view.misfireGraceMs} ms, overlap ${view.overlap}`],
      ["last occurrence", view.lastRunAt ?? "none yet"],
      ["next occurrence", `${nextRunAt ?? "none"}${dueIn}`],
    ]),
    "",
    openRuns.length === 0 ? "No open runs." : "Open runs:",
    ...table(
      openRuns.map(({ runId, attempt, plannedAt, isRevoked }) => [
        `  ${runId}`,
        plannedAt,
        `attempt ${attempt}${isRevoked ? ", revoked" : ""}`,
      ]),
    ),
    "",
    records.length === 0 ? "No records." : "Latest records:",
    ...table(records.map((record) => [`  ${record.id}`, record.plannedAt, outcomeOf(record)])),
  ];
}

function outcomeOf({ status, processTime, error, skip }: ReturnType<typeof toRecord>): string {
  if (skip) return `${status}: ${skip.reason}, ${skip.count}`;
  const took = processTime === null ? "" : ` after ${duration(processTime * 1000)}`;
  return `${status}${took}${error ? `: ${error.type}: ${error.message}` : ""}`;
}

class TaskNotFound extends AppError {
  constructor(id: string) {
    super(
      `There is no task '${id}'. If it was deleted, its events are still there: npm run kinit -- stream task-${id}`,
      { type: "TASK_NOT_FOUND" },
    );
  }
}
