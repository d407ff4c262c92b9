import type { ActionParams } from "../../../shared/contracts/actions.ts";
import { objectId } from "../../../shared/ids.ts";
import { done } from "../texts/messages.ts";
import { hotlistTask } from "../wire/hotlist-wire.ts";
import { pagedList } from "../wire/paged-list.ts";
import { pagingFields, toPaging } from "../wire/paging.ts";
import { type ApiResponse, data, list, message } from "../wire/response.ts";
import { taskFields } from "../wire/task-fields.ts";
import { showTask, taskSortFields, toDefinition } from "../wire/task-wire.ts";
import { hexId } from "../wire/wire-kinds.ts";
import { nested, required } from "../wire/wire-validation.ts";
import { endpoint, fromBody, fromQuery, noInput } from "./endpoint.ts";

const byId = fromQuery({ data_id: required(hexId) });

/** The text is in `message`, and `Location` has the new task, which the Python original does not return. */
export const createTask = endpoint(fromBody(taskFields), async (task, { call, datetimes, language }) => {
  const { id } = await call("scheduler.create", { taskId: objectId(), ...toDefinition(task, datetimes) });
  return createdAt(id, message(done.taskCreated[language]));
});

function createdAt(id: string, response: ApiResponse): ApiResponse {
  return { ...response, headers: { Location: `/scheduler/task/one/query?data_id=${id}` } };
}

export const updateTask = endpoint(
  fromBody({ data_id: required(hexId), data: required(nested(taskFields)) }),
  async ({ data_id, data: task }, { call, datetimes, language }) => {
    await call("scheduler.change", { taskId: data_id, ...toDefinition(task, datetimes) });
    return message(done.taskUpdated[language]);
  },
);

export const listTasks = endpoint(fromQuery(pagingFields), async (paging, { call, datetimes }) => {
  const found = await call("scheduler.list", toPaging(paging, taskSortFields));
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

export const listHandlers = endpoint(noInput, async (_, { call }) => {
  const handlers = await call("executor.handlers", {});
  const rows = handlers.map(({ name, title, params, timeoutMs }) => ({
    name,
    title,
    params,
    timeout_ms: timeoutMs,
  }));
  return list(rows, { total: rows.length, page: 1, limit: 0 });
});

export const createHotlistTask = endpoint(noInput, async (_, { call }) => {
  const { id } = await call("scheduler.create", { taskId: objectId(), ...hotlistTask });
  return createdAt(id, data(null));
});
