import type { ActionParams } from "../../../shared/contracts/actions.ts";
import { objectId } from "../../../shared/ids.ts";
import { done, runEnded } from "../texts/messages.ts";
import { taskExamples } from "../texts/task-examples.ts";
import { hotlistTask } from "../wire/hotlist-wire.ts";
import { id, inData, inMessage, listOf, nothing, one, shape } from "../wire/output.ts";
import { pagedList } from "../wire/paged-list.ts";
import { pagingFields, toPaging } from "../wire/paging.ts";
import { type ApiResponse, data, list, message } from "../wire/response.ts";
import { taskFields } from "../wire/task-fields.ts";
import { showTask, taskShape, taskSortFields, toDefinition } from "../wire/task-wire.ts";
import { hexId } from "../wire/wire-kinds.ts";
import { nested, required } from "../wire/wire-validation.ts";
import { endpoint, fromBody, fromQuery, noInput } from "./endpoint.ts";

const byId = fromQuery({ data_id: required(hexId) });

/** The text is in `message`, and `Location` has the new task, which the Python original does not return. */
export const createTask = endpoint(
  fromBody(taskFields, taskExamples),
  inMessage(done.taskCreated),
  async (task, { call, datetimes, language }) => {
    const { id: taskId } = await call("scheduler.create", {
      taskId: objectId(),
      ...toDefinition(task, datetimes),
    });
    return createdAt(taskId, message(done.taskCreated[language]));
  },
);

function createdAt<D>(taskId: string, response: ApiResponse<D>): ApiResponse<D> {
  return { ...response, headers: { Location: `/scheduler/task/one/query?data_id=${taskId}` } };
}

export const updateTask = endpoint(
  fromBody(
    { data_id: required(hexId), data: required(nested(taskFields)) },
    taskExamples.map(({ summary, value }) => ({
      summary,
      value: { data_id: "66f2a1b00a1b2c3d4e5f6070", data: value },
    })),
  ),
  inMessage(done.taskUpdated),
  async ({ data_id, data: task }, { call, datetimes, language }) => {
    await call("scheduler.change", { taskId: data_id, ...toDefinition(task, datetimes) });
    return message(done.taskUpdated[language]);
  },
);

export const listTasks = endpoint(
  fromQuery(pagingFields),
  listOf(taskShape),
  async (paging, { call, datetimes }) => {
    const found = await call("scheduler.list", toPaging(paging, taskSortFields));
    const rows = (query: ActionParams<"scheduler.rows">) => call("scheduler.rows", query);
    return pagedList({ found, rows, show: (task) => showTask(task, datetimes) }, paging);
  },
);

export const getTask = endpoint(byId, one(taskShape), async ({ data_id }, { call, datetimes }) =>
  data(showTask(await call("scheduler.get", { taskId: data_id }), datetimes)),
);

export const stopTask = endpoint(
  byId,
  inData(done.taskPaused, done.taskNotActive),
  async ({ data_id }, { call, language }) => {
    const { changed } = await call("scheduler.pause", { taskId: data_id });
    return data(changed ? done.taskPaused[language] : done.taskNotActive[language]);
  },
);

export const startTask = endpoint(
  byId,
  inData(done.taskResumed, done.taskAlreadyActive),
  async ({ data_id }, { call, language }) => {
    const { changed } = await call("scheduler.resume", { taskId: data_id });
    return data(changed ? done.taskResumed[language] : done.taskAlreadyActive[language]);
  },
);

export const deleteTask = endpoint(
  byId,
  inData(done.taskDeleted),
  async ({ data_id }, { call, language }) => {
    await call("scheduler.delete", { taskId: data_id });
    return data(done.taskDeleted[language]);
  },
);

export const runTask = endpoint(byId, id, async ({ data_id }, { call }) => {
  const { runId } = await call("scheduler.runNow", { taskId: data_id });
  return data(runId);
});

export const cancelRun = endpoint(
  byId,
  inData(done.runCancelled, done.runCancelledBefore, runEnded("succeeded")),
  async ({ data_id }, { call, language }) => {
    const { changed, status } = await call("scheduler.cancel", { runId: data_id });
    if (changed) return data(done.runCancelled[language]);
    return data((status === "cancelling" ? done.runCancelledBefore : runEnded(status))[language]);
  },
);

const handlerShape = shape(
  "Handler",
  { name: "string", title: "string", params: "any", timeout_ms: { type: "number", nullable: true } },
  {
    name: "test.main.Test",
    title: "A demonstration",
    params: { name: { type: "string" }, age: { type: "number" } },
    timeout_ms: null,
  },
);

export const listHandlers = endpoint(noInput, listOf(handlerShape), async (_, { call }) => {
  const handlers = await call("executor.handlers", {});
  const rows = handlers.map(({ name, title, params, timeoutMs }) => ({
    name,
    title,
    params,
    timeout_ms: timeoutMs,
  }));
  return list(rows, { total: rows.length, page: 1, limit: 0 });
});

export const createHotlistTask = endpoint(noInput, nothing, async (_, { call }) => {
  const { id: taskId } = await call("scheduler.create", { taskId: objectId(), ...hotlistTask });
  return createdAt(taskId, data(null));
});
