import type { ActionParams } from "../../../shared/contracts/actions.ts";
import { objectId as newTaskId } from "../../../shared/ids.ts";
import { done } from "../texts/messages.ts";
import { data, list, message, type Reply } from "../wire/envelope.ts";
import { hotlistTask } from "../wire/hotlist-wire.ts";
import { pagedList } from "../wire/paged-list.ts";
import { pagingFields, toPaging } from "../wire/paging.ts";
import { taskFields } from "../wire/task-fields.ts";
import { showTask, taskOrderFields, toDefinition } from "../wire/task-wire.ts";
import { objectId } from "../wire/wire-kinds.ts";
import { nested, required } from "../wire/wire-validation.ts";
import { body, endpoint, nothing, query } from "./endpoint.ts";

const byId = query({ data_id: required(objectId) });

/** The text stands in `message`; `Location` says where the new task is, which the original keeps to itself. */
export const createTask = endpoint(body(taskFields), async (task, { call, datetimes, language }) => {
  const { id } = await call("scheduler.create", { taskId: newTaskId(), ...toDefinition(task, datetimes) });
  return createdAt(id, message(done.taskCreated[language]));
});

function createdAt(id: string, reply: Reply): Reply {
  return { ...reply, headers: { Location: `/scheduler/task/one/query?data_id=${id}` } };
}

export const updateTask = endpoint(
  body({ data_id: required(objectId), data: required(nested(taskFields)) }),
  async ({ data_id, data: task }, { call, datetimes, language }) => {
    await call("scheduler.change", { taskId: data_id, ...toDefinition(task, datetimes) });
    return message(done.taskUpdated[language]);
  },
);

export const listTasks = endpoint(query(pagingFields), async (paging, { call, datetimes }) => {
  const found = await call("scheduler.list", toPaging(paging, taskOrderFields));
  const rows = (query: ActionParams<"scheduler.rows">) => call("scheduler.rows", query);
  return pagedList({ found, rows, show: (task) => showTask(task, datetimes) }, paging);
});

export const getTask = endpoint(byId, async ({ data_id }, { call, datetimes }) =>
  data(showTask(await call("scheduler.get", { taskId: data_id }), datetimes)),
);

export const stopTask = endpoint(byId, async ({ data_id }, { call, language }) => {
  const { changed } = await call("scheduler.pause", { taskId: data_id });
  return data(changed ? done.taskPaused[language] : done.taskNotActive[language]);
});

export const startTask = endpoint(byId, async ({ data_id }, { call, language }) => {
  const { changed } = await call("scheduler.resume", { taskId: data_id });
  return data(changed ? done.taskResumed[language] : done.taskAlreadyActive[language]);
});

export const deleteTask = endpoint(byId, async ({ data_id }, { call, language }) => {
  await call("scheduler.delete", { taskId: data_id });
  return data(done.taskDeleted[language]);
});

export const runTask = endpoint(byId, async ({ data_id }, { call }) => {
  const { runId } = await call("scheduler.runNow", { taskId: data_id });
  return data(runId);
});

export const listHandlers = endpoint(nothing, async (_, { call }) => {
  const handlers = await call("executor.handlers", {});
  const rows = handlers.map(({ name, title, params, timeoutMs }) => ({
    name,
    title,
    params,
    timeout_ms: timeoutMs,
  }));
  return list(rows, { total: rows.length, page: 1, limit: 0 });
});

export const createHotlistTask = endpoint(nothing, async (_, { call }) => {
  const { id } = await call("scheduler.create", { taskId: newTaskId(), ...hotlistTask });
  return createdAt(id, data(null));
});
