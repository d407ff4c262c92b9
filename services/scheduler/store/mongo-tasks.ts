import {
  type AnyBulkWriteOperation,
  type ClientSession,
  type Collection,
  type Filter,
  ObjectId,
} from "mongodb";
import type { ActionAnswer, ActionParams } from "../../../shared/contracts/actions.ts";
import type { TaskView } from "../../../shared/contracts/scheduler-actions.ts";
import { errorMessage } from "../../../shared/errors.ts";
import { asked } from "../../../shared/event-store/store-errors.ts";
import { mongoPages, sortOf } from "../../../shared/mongo-pages.ts";
import {
  type DefinedTask,
  isDefined,
  runsOf,
  type Task,
  TaskNotFound,
  type TaskRuns,
} from "../task/task-state.ts";
import {
  fromDocument,
  runningOf,
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

/** One task's step from state to state. */
export interface TaskChange {
  readonly taskId: string;
  readonly before: Task;
  readonly after: Task;
  readonly version: number;
  /** False where runs have ended and nothing else happened: then no version tells a stale state from a new one. */
  readonly hasEvents: boolean;
}

/** A place in the order of next occurrences; tasks that share an instant are ordered by id. */
export interface DuePlace {
  readonly at: number;
  readonly taskId: string;
}

export interface DuePage {
  readonly states: readonly DueTask[];
  /** Where the next page begins; null where there is none. */
  readonly end: DuePlace | null;
  /** Tasks that cannot be read, and why: their definition was valid once, or somebody wrote it by hand. */
  readonly unreadable: readonly { readonly taskId: string; readonly reason: string }[];
}

export interface OpenRunsPage {
  readonly tasks: readonly DefinedTask[];
  /** The id after which the next page begins; null where there is none. */
  readonly last: string | null;
}

type DueTask = VersionedTask & { readonly task: DefinedTask };

/** The tasks' states: folded, current, and found by what is due next. Reads reject with `STORE_UNAVAILABLE`. */
export interface TaskStore {
  /** Unknown ids are left out. */
  load(taskIds: readonly string[]): Promise<Map<string, VersionedTask>>;
  /** The tasks' runs alone, which needs no valid definition. Unknown ids are left out. */
  runs(taskIds: readonly string[]): Promise<Map<string, TaskRuns>>;
  /** Active tasks in the order of their next occurrence: those after a place in that order, until an instant (ms). */
  dueAfter(place: DuePlace, until: number, limit: number): Promise<DuePage>;
  /** Tasks with open runs, whatever their status, in the order of their ids after one; unreadable ones are left out. */
  withOpenRuns(afterId: string, limit: number): Promise<OpenRunsPage>;
  /** Writes within the transaction that appends the events. */
  write(session: ClientSession, changes: readonly TaskChange[]): Promise<void>;
  /** Error: `TASK_NOT_FOUND`. */
  view(taskId: string): Promise<TaskView>;
  /** Error: `LIST_TOO_LONG`. */
  list(query: ActionParams<"scheduler.list">): Promise<ActionAnswer<"scheduler.list">>;
  rows(query: ActionParams<"scheduler.rows">): Promise<ActionAnswer<"scheduler.rows">>;
}

export function mongoTasks(tasks: Collection<TaskDocument>): TaskStore {
  const pages = mongoPages(tasks, toView);
  return {
    async load(taskIds) {
      const documents = await asked(tasks.find(withIds(taskIds)).toArray());
      return new Map(documents.map((document) => [document._id.toHexString(), versioned(document)]));
    },

    async runs(taskIds) {
      const documents = await asked(
        tasks
          .find(withIds(taskIds), { batchSize: taskIds.length })
          .project<Pick<TaskDocument, "_id" | "status" | "running">>({ status: 1, running: 1 })
          .toArray(),
      );
      return new Map(
        documents.map((document) => [
          document._id.toHexString(),
          { status: document.status, running: runningOf(document) },
        ]),
      );
    },

    async dueAfter({ at, taskId }, until, limit) {
      const instant = new Date(at);
      const find = (due: Filter<TaskDocument>, most: number) =>
        asked(tasks.find(due, { sort: { next_run_at: 1, _id: 1 }, limit: most, batchSize: most }).toArray());
      // Two ranges of one index: the rest of the instant, and what comes later.
      const tied = await find({ next_run_at: instant, _id: { $gt: new ObjectId(taskId) } }, limit);
      const room = limit - tied.length;
      const later =
        room > 0 ? await find({ next_run_at: { $gt: instant, $lte: new Date(until) } }, room) : [];
      return pageOf([...tied, ...later], limit);
    },

    async withOpenRuns(afterId, limit) {
      const open = { "running.0": { $exists: true } };
      const query = afterId === "" ? open : { ...open, _id: { $gt: new ObjectId(afterId) } };
      const documents = await asked(
        tasks.find(query, { sort: { _id: 1 }, limit, batchSize: limit }).toArray(),
      );
      const last = documents.length === limit ? documents.at(-1) : undefined;
      const { states } = pageOf(documents, limit);
      return { tasks: states.map(({ task }) => task), last: last?._id.toHexString() ?? null };
    },

    async write(session, changes) {
      const operations = changes.map(operationFor);
      if (operations.length > 0) await tasks.bulkWrite(operations, { session, ordered: false });
    },

    async view(taskId) {
      const document = await asked(tasks.findOne({ _id: new ObjectId(taskId) }));
      if (!document) throw new TaskNotFound(taskId);
      return toView(document);
    },

    list: ({ page, limit, ...order }) =>
      pages.page({ page, limit, filter: {}, sort: sortOf(order) }, () => tasks.countDocuments()),

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

function operationFor(change: TaskChange): AnyBulkWriteOperation<TaskDocument> {
  const { taskId, before, after, version, hasEvents } = change;
  const filter = { _id: new ObjectId(taskId) };
  if (!hasEvents) {
    const ended = { run_id: { $in: endedRuns(before, after) } };
    return { updateOne: { filter, update: { $pull: { running: ended } } } };
  }
  if (!isDefined(after)) return { deleteOne: { filter } };
  if (!isDefined(before)) return { insertOne: { document: toDocument(after, version) } };
  if (before.definition === after.definition) {
    return { updateOne: { filter, update: updateSince(before, after, version) } };
  }
  const { _id, ...replacement } = toDocument(after, version);
  return { replaceOne: { filter, replacement } };
}

/** Taken out one by one: whoever has the lease by now may have written the task meanwhile. */
function endedRuns(before: Task, after: Task): string[] {
  const left = new Set(runsOf(after).map(({ runId }) => runId));
  return runsOf(before).flatMap(({ runId }) => (left.has(runId) ? [] : [runId]));
}
