import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { OperationView } from "../../../shared/contracts/operation-actions.ts";
import { operationShape, showOperation } from "../wire/operation-wire.ts";
import { listOf } from "../wire/output.ts";
import { pagedList } from "../wire/paged-list.ts";
import { pagingFields, toPaging } from "../wire/paging.ts";
import { datetime, text, whole } from "../wire/wire-kinds.ts";
import { optional } from "../wire/wire-validation.ts";
import { endpoint, fromQuery } from "./endpoint.ts";

const filter = optional(text({ max: 255 }), undefined);

/** The newest operation comes first and the requested order is ignored, as in the Python original. */
export const listOperations = endpoint(
  fromQuery({
    ...pagingFields,
    actor: filter,
    client_ip: filter,
    api_path: filter,
    request_method: filter,
    status_code: optional(whole({}), undefined),
    start_datetime: optional(datetime, undefined),
    end_datetime: optional(datetime, undefined),
  }),
  listOf(operationShape),
  async (query, { call, datetimes, language }) => {
    const { actor, client_ip, api_path, request_method, status_code, start_datetime, end_datetime } = query;
    const { page, limit } = toPaging(query, {});
    const found = await call("records.operations", {
      page,
      limit,
      ...(actor !== undefined && { actor }),
      ...(client_ip !== undefined && { address: client_ip }),
      ...(api_path !== undefined && { path: api_path }),
      ...(request_method !== undefined && { method: request_method.toUpperCase() }),
      ...(status_code !== undefined && { status: status_code }),
      ...(start_datetime !== undefined && { from: datetimes.read(start_datetime) }),
      ...(end_datetime !== undefined && { before: datetimes.read(end_datetime) }),
    });
    const rows = (ids: ActionParams<"records.operationRows">) => call("records.operationRows", ids);
    const show = (operation: OperationView) => showOperation(operation, { datetimes, language });
    return pagedList({ found, rows, show }, query);
  },
);
