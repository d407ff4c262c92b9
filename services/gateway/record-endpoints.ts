import { endpoint, query } from "./endpoint.ts";
import { data, list } from "./envelope.ts";
import { showHotRow } from "./hotlist-wire.ts";
import { pagingFields, toPaging } from "./paging.ts";
import { showRecord } from "./record-wire.ts";
import { objectId } from "./wire-kinds.ts";
import { optional, required } from "./wire-validation.ts";

export const listRecords = endpoint(
  query({ ...pagingFields, task_id: optional(objectId, undefined) }),
  async ({ task_id: taskId, ...paging }, { call, datetimes }) => {
    const filter = taskId === undefined ? {} : { taskId };
    const { items, total } = await call("records.list", { ...toPaging(paging), ...filter });
    return list(
      items.map((record) => showRecord(record, datetimes)),
      { total, page: paging.page, limit: paging.limit },
    );
  },
);

export const getRecord = endpoint(
  query({ data_id: required(objectId) }),
  async ({ data_id }, { call, datetimes }) =>
    data(showRecord(await call("records.get", { runId: data_id }), datetimes)),
);

export const listHotRows = endpoint(query(pagingFields), async (paging, { call, datetimes }) => {
  const { items, total } = await call("crawler.list", toPaging(paging));
  return list(
    items.map((row) => showHotRow(row, datetimes)),
    { ...paging, total },
  );
});
