import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { RecordView } from "../../../shared/contracts/records-actions.ts";
import { errorType } from "../../../shared/errors.ts";
import { rowsOf } from "../../../shared/rows-of.ts";
import { hotRowShape, hotRowSortFields, showHotRow } from "../wire/hotlist-wire.ts";
import { listOf, one } from "../wire/output.ts";
import { pagedList } from "../wire/paged-list.ts";
import { pagingFields, toPaging } from "../wire/paging.ts";
import { recordShape, recordSortFields, showRecord } from "../wire/record-wire.ts";
import { data } from "../wire/response.ts";
import { hexId } from "../wire/wire-kinds.ts";
import { optional, required } from "../wire/wire-validation.ts";
import { type EndpointContext, endpoint, fromQuery } from "./endpoint.ts";

const recordRows =
  ({ call }: Pick<EndpointContext, "call">) =>
  (rows: ActionParams<"records.rows">) =>
    call("records.rows", rows);

export const listRecords = endpoint(
  fromQuery({ ...pagingFields, task_id: optional(hexId, undefined) }),
  listOf(recordShape),
  async ({ task_id: taskId, ...paging }, { call, datetimes, language }) => {
    const filter = taskId === undefined ? {} : { taskId };
    const found = await call("records.list", { ...toPaging(paging, recordSortFields), ...filter });
    const show = (record: RecordView) => showRecord(record, { datetimes, language });
    return pagedList({ found, rows: recordRows({ call }), show }, paging);
  },
);

export const getRecord = endpoint(
  fromQuery({ data_id: required(hexId) }),
  one(recordShape),
  async ({ data_id }, context) => data(showRecord(await recordOf(data_id, context), context)),
);

/** A record that is too large for one message between services is read in pieces. */
async function recordOf(runId: string, { call }: EndpointContext): Promise<RecordView> {
  try {
    return await call("records.get", { runId });
  } catch (error) {
    if (errorType(error) !== "RECORD_TOO_LARGE") throw error;
    for await (const [record] of rowsOf([runId], recordRows({ call }))) if (record) return record;
    throw error;
  }
}

export const listHotRows = endpoint(
  fromQuery(pagingFields),
  listOf(hotRowShape),
  async (paging, { call, datetimes }) => {
    const found = await call("crawler.list", toPaging(paging, hotRowSortFields));
    const rows = (query: ActionParams<"crawler.rows">) => call("crawler.rows", query);
    return pagedList({ found, rows, show: (row) => showHotRow(row, datetimes) }, paging);
  },
);
