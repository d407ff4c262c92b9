import { type AnyBulkWriteOperation, type Collection, type Filter, ObjectId } from "mongodb";
import type { ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import type { TaskView } from "../../../shared/contracts/scheduler-actions.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { StateChange } from "../../../shared/event-store/command-handler-options.ts";
import type { Transaction } from "../../../shared/event-store/event-store.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import { sessionOf } from "../../../shared/event-store/mongo-transaction.ts";
import { mongoPages, sortOf } from "../../../shared/mongo-pages.ts";
import {
  type DefinedTask,
  isDefined,
  type OpenRun,
  openRunOf,
  openRunsOf,
  type Task,
  TaskNotFound,
  type TaskRuns,
} from "../task/task-state.ts";
import { STORED_FIELDS } from "./stored-fields.ts";
import {
  fromDocument,
  hasRetries,
  nextRetryUpdate,
  storedRunsOf,
  type TaskDocument,
  toDocument,
  toView,
  updateSince,
} from "./task-document.ts";

/** A task with the number of events on its stream. */
export interface VersionedTask {
  readonly task: Task;
  readonly version: number;
}

/** A step of a task. Its version stays the same if runs have ended and nothing else happened. */
export type TaskChange = Pick<
  StateChange<Task, unknown, unknown>,
  "id" | "before" | "after" | "version" | "previousVersion"
>;

/** A position in the sequence of next occurrences, sorted by instant and then by task id. */
export interface DuePosition {
  readonly at: number;
  readonly taskId: string;
}

export interface DuePage {
  readonly states: readonly DueTask[];
  /** Where the next page begins; null where there is none. */
  readonly end: DuePosition | null;
  /** Tasks that cannot be read, and why: their definition has become invalid, or was edited by hand. */
  readonly unreadable: readonly { readonly taskId: string; readonly reason: string }[];
}

export interface OpenRunsPage {
  readonly tasks: readonly DefinedTask[];
  /** The id after which the next page begins; null where there is none. */
  readonly last: string | null;
}

/** The open runs of a task with a retry. */
export interface TaskRetries {
  readonly taskId: string;
  readonly openRuns: readonly OpenRun[];
}

type DueTask = VersionedTask & { readonly task: DefinedTask };

/** The current states of tasks, also by their next occurrence. Reads reject with `STORE_UNAVAILABLE`. */
export interface TaskStore {
  /** Unknown ids are left out. */
  load(taskIds: readonly string[]): Promise<Map<string, VersionedTask>>;
  /** The tasks' runs alone, which needs no valid definition. Unknown ids are left out. */
  runs(taskIds: readonly string[]): Promise<Map<string, TaskRuns>>;
  /** The task that has this open run. Reads all tasks, so it is the last resort. */
  taskOf(runId: string): Promise<string | null>;
  /** Active tasks sorted by their next occurrence: those after a position, until an instant (ms). */
  dueAfter(position: DuePosition, until: number, limit: number): Promise<DuePage>;
  /** Runs whose retries are due by an instant (ms), those of the first tasks first. */
  retriesUntil(until: number, limit: number): Promise<readonly TaskRetries[]>;
  /** Tasks with open runs and any status, sorted by id, after one id; unreadable ones are left out. */
  withOpenRuns(afterId: string, limit: number): Promise<OpenRunsPage>;
  /** Writes within the transaction that appends the events. */
  write(transaction: Transaction, changes: readonly TaskChange[]): Promise<void>;
  /** @throws `TASK_NOT_FOUND` */
  view(taskId: string): Promise<TaskView>;
  /** @throws `LIST_TOO_LONG` */
  list(query: ActionParams<"scheduler.list">): Promise<ActionResult<"scheduler.list">>;
  rows(query: ActionParams<"scheduler.rows">): Promise<ActionResult<"scheduler.rows">>;
}

export function mongoTasks(tasks: Collection<TaskDocument>): TaskStore {
  const pages = mongoPages(tasks, toView);
  return {
    async load(taskIds) {
      const documents = await withStoreErrors(tasks.find(withIds(taskIds)).toArray());
      return new Map(documents.map((document) => [document._id.toHexString(), versioned(document)]));
    },

    async runs(taskIds) {
      const documents = await withStoreErrors(
        tasks
          .find(withIds(taskIds), { batchSize: taskIds.length })
          .project<Pick<TaskDocument, "_id" | "status" | "running">>({ status: 1, running: 1 })
          .toArray(),
      );
      return new Map(
        documents.map((document) => [
          document._id.toHexString(),
          { status: document.status, openRuns: storedRunsOf(document) },
        ]),
      );
    },

    async taskOf(runId) {
      const found = await withStoreErrors(
        tasks.findOne({ "running.run_id": runId }, { projection: { _id: 1 } }),
      );
      return found?._id.toHexString() ?? null;
    },

    async dueAfter({ at, taskId }, until, limit) {
      const instant = new Date(at);
      const find = (due: Filter<TaskDocument>, most: number) =>
        withStoreErrors(
          tasks.find(due, { sort: { next_run_at: 1, _id: 1 }, limit: most, batchSize: most }).toArray(),
        );
      // Two ranges of one index: the rest of the instant, and what comes later.
      const tied = await find({ next_run_at: instant, _id: { $gt: new ObjectId(taskId) } }, limit);
      const room = limit - tied.length;
      const later =
        room > 0 ? await find({ next_run_at: { $gt: instant, $lte: new Date(until) } }, room) : [];
      return pageOf([...tied, ...later], limit);
    },

    async retriesUntil(until, limit) {
      const due = { next_retry_at: { $lte: new Date(until) } };
      const options = { sort: { next_retry_at: 1 }, limit, projection: { running: 1 } } as const;
      const found = await withStoreErrors(tasks.find(due, options).toArray());
      return found.map((document) => ({
        taskId: document._id.toHexString(),
        openRuns: storedRunsOf(document),
      }));
    },

    async withOpenRuns(afterId, limit) {
      const open = { "running.0": { $exists: true } };
      const query = afterId === "" ? open : { ...open, _id: { $gt: new ObjectId(afterId) } };
      const documents = await withStoreErrors(
        tasks.find(query, { sort: { _id: 1 }, limit, batchSize: limit }).toArray(),
      );
      const last = documents.length === limit ? documents.at(-1) : undefined;
      const { states } = pageOf(documents, limit);
      return { tasks: states.map(({ task }) => task), last: last?._id.toHexString() ?? null };
    },

    async write(transaction, changes) {
      const operations = changes.flatMap(operationsFor);
      if (operations.length === 0) return;
      await tasks.bulkWrite(operations, { session: sessionOf(transaction), ordered: false });
    },

    async view(taskId) {
      const document = await withStoreErrors(tasks.findOne({ _id: new ObjectId(taskId) }));
      if (!document) throw new TaskNotFound(taskId);
      return toView(document);
    },

    list: ({ page, limit, ...order }) =>
      pages.page({ page, limit, filter: {}, sort: sortOf(order, STORED_FIELDS) }, () =>
        tasks.countDocuments(),
      ),

    rows: pages.rows,
  };
}

function withIds(taskIds: readonly string[]): Filter<TaskDocument> {
  const ids = taskIds.map((id) => new ObjectId(id));
  return { _id: ids.length === 1 ? (ids[0] as ObjectId) : { $in: ids } };
}

function pageOf(documents: readonly TaskDocument[], limit: number): DuePage {
  const states: DueTask[] = [];
  const unreadable: DuePage["unreadable"][number][] = [];
  for (const document of documents) {
    try {
      states.push(versioned(document));
    } catch (error) {
      unreadable.push({ taskId: document._id.toHexString(), reason: errorMessage(error) });
    }
  }
  const last = documents.length === limit ? documents.at(-1) : undefined;
  const end = last?.next_run_at && { at: last.next_run_at.getTime(), taskId: last._id.toHexString() };
  return { states, end: end ?? null, unreadable };
}

function versioned(document: TaskDocument): DueTask {
  return { task: fromDocument(document), version: document.version };
}

type Operation = AnyBulkWriteOperation<TaskDocument>;

function operationsFor(change: TaskChange): Operation[] {
  const { id, before, after, version, previousVersion } = change;
  const filter = { _id: new ObjectId(id) };
  if (version === previousVersion) return runOperations(filter, before, after);
  if (!isDefined(after)) return [{ deleteOne: { filter } }];
  if (!isDefined(before)) return [{ insertOne: { document: toDocument(after, version) } }];
  if (before.definition === after.definition) {
    return [{ updateOne: { filter, update: updateSince(before, after, version) } }];
  }
  const { _id, ...replacement } = toDocument(after, version);
  return [{ replaceOne: { filter, replacement } }];
}

/** The ends of runs and of attempts. */
function runOperations(filter: { _id: ObjectId }, before: Task, after: Task): Operation[] {
  const operations: Operation[] = [];
  const ended = endedRuns(before, after);
  if (ended.length > 0)
    operations.push({ updateOne: { filter, update: { $pull: { running: { run_id: { $in: ended } } } } } });
  if (!isDefined(before) || !isDefined(after) || !hasRetries(before, after)) return operations;
  for (const { runId, attempt, retryAt } of after.openRuns) {
    if (retryAt === undefined || openRunOf(before, runId)?.retryAt !== undefined) continue;
    const update = { $set: { "running.$[run].retry_datetime": new Date(retryAt) } };
    const arrayFilters = [{ "run.run_id": runId, "run.attempt": attempt }];
    operations.push({ updateOne: { filter, update, arrayFilters } });
  }
  operations.push({ updateOne: { filter, update: nextRetryUpdate(after) } });
  return operations;
}

/** Removed one by one: without a version to compare, another scheduler's changes must not be overwritten. */
function endedRuns(before: Task, after: Task): string[] {
  const left = new Set(openRunsOf(after).map(({ runId }) => runId));
  return openRunsOf(before).flatMap(({ runId }) => (left.has(runId) ? [] : [runId]));
}
