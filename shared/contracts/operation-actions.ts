import { action, returns } from "./action.ts";
import type { DataOf } from "./contract.ts";
import { type Page, pagingBy, type Rows, rowsQuery } from "./paging.ts";

const text = { type: "string", nullable: true } as const;
const number = { type: "number", nullable: true } as const;

/** One operation as callers see it. What the Python original does not store is null in its documents. */
const operationView = {
  id: "id",
  status: number,
  address: text,
  method: text,
  path: text,
  system: text,
  browser: text,
  summary: text,
  /** The name of the operation within its group. */
  name: text,
  description: text,
  tags: { type: "array", items: "string", nullable: true },
  /** Seconds, as the Python original counts it. */
  processTime: number,
  /** JSON text with `body_params`, `query_params` and `path_params`. */
  params: text,
  createdAt: "instant",
  updatedAt: "instant",
  actor: text,
  code: number,
  /** Group and name of the operation. */
  operation: text,
  requestId: text,
} as const;
export type OperationView = DataOf<typeof operationView>;

const filter = { type: "string", max: 255, optional: true } as const;

export const operationActions = {
  "records.operations": action({
    summary:
      "The operation log, a page at a time, the newest operation first; what does not fit one message follows by operationRows. Error: LIST_TOO_LONG.",
    params: {
      ...pagingBy(["createdAt"]),
      actor: filter,
      address: filter,
      path: filter,
      method: filter,
      status: { type: "number", integer: true, optional: true },
      /** From this instant on. */
      from: "instant|optional",
      /** Before this instant. */
      before: "instant|optional",
    },
    example: { page: 1, limit: 10, method: "POST", status: 200 },
    returns: returns<Page<OperationView>>(),
  }),
  "records.operationRows": action({
    summary: "Operations by their ids, as many as fit one message.",
    params: rowsQuery,
    example: { ids: ["66f2a1e00a1b2c3d4e5f6075"] },
    returns: returns<Rows<OperationView>>(),
  }),
} as const;
