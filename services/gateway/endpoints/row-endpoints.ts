import type { Fields } from "../../../shared/contracts/contract.ts";
import type { Page, Rows } from "../../../shared/contracts/paging.ts";
import { done } from "../texts/messages.ts";
import { deletedRows, type RowExample } from "../texts/row-examples.ts";
import type { DatetimeWire } from "../wire/datetime-wire.ts";
import { inMessage, listOf, one, type Shape, type Shown } from "../wire/output.ts";
import { pagedList } from "../wire/paged-list.ts";
import { type Paging, pagingFields, toPaging } from "../wire/paging.ts";
import { data, message } from "../wire/response.ts";
import { listKind, rowIdKind } from "../wire/row-kinds.ts";
import { nested, required, type ValuesOf, type WireFields } from "../wire/wire-validation.ts";
import {
  type Endpoint,
  type EndpointContext,
  endpoint,
  fromBody,
  fromQuery,
  fromWholeBody,
} from "./endpoint.ts";

type Call = EndpointContext["call"];

/** A table of PostgreSQL as the API shows it, and the actions that read and change it. */
export interface RowResource<B extends WireFields, F extends Fields, View, Field extends string> {
  /** Before the action in its paths: `/auth/role`. */
  readonly path: `/${string}`;
  readonly body: B;
  /** A body that creates a row. */
  readonly example: RowExample;
  readonly shape: Shape<F>;
  show(view: View, datetimes: DatetimeWire): Shown<Shape<F>>;
  /** The field that each name of the wire stands for. */
  readonly sortFields: Readonly<Record<string, Field | "id">>;
  create(call: Call, body: ValuesOf<B>): Promise<{ readonly id: number }>;
  change(call: Call, id: number, body: ValuesOf<B>): Promise<unknown>;
  remove(call: Call, ids: readonly number[]): Promise<unknown>;
  get(call: Call, id: number): Promise<View>;
  list(call: Call, query: Paging<Field | "id">): Promise<Page<View>>;
  rows(call: Call, ids: readonly number[]): Promise<Rows<View>>;
}

/** The endpoints that the Python original has for a table. */
export interface RowEndpoints {
  readonly create: Endpoint;
  readonly update: Endpoint;
  /** `{data_ids}`, as the second revision has it. */
  readonly delete: Endpoint;
  /** The bare list of ids, as the first revision has it. */
  readonly deleteList: Endpoint;
  readonly list: Endpoint;
  readonly get: Endpoint;
}

const rowId = rowIdKind();
const ids = required(listKind(rowId));
const EXAMPLE_IDS = [1, 2];
const deletes = (value: unknown) => [{ summary: deletedRows, value }];

export function rowEndpoints<B extends WireFields, F extends Fields, View, Field extends string>(
  resource: RowResource<B, F, View, Field>,
): RowEndpoints {
  const { path, body, example, shape, show, sortFields } = resource;
  const { summary, value } = example;
  const remove = async (data_ids: readonly number[], { call, language }: EndpointContext) => {
    await resource.remove(call, data_ids);
    return message(done.deleted[language]);
  };
  return {
    create: endpoint(
      fromBody(body, [example]),
      inMessage(done.created),
      async (values, { call, language }) => {
        const { id } = await resource.create(call, values);
        return {
          ...message(done.created[language]),
          headers: { Location: `${path}/one/query?data_id=${id}` },
        };
      },
    ),

    update: endpoint(
      fromBody({ data_id: required(rowId), data: required(nested(body)) }, [
        { summary, value: { data_id: 1, data: value } },
      ]),
      inMessage(done.updated),
      async ({ data_id, data: values }, { call, language }) => {
        await resource.change(call, data_id, values);
        return message(done.updated[language]);
      },
    ),

    delete: endpoint(
      fromBody({ data_ids: ids }, deletes({ data_ids: EXAMPLE_IDS })),
      inMessage(done.deleted),
      ({ data_ids }, context) => remove(data_ids, context),
    ),

    deleteList: endpoint(
      fromWholeBody({ data_ids: ids }, deletes(EXAMPLE_IDS)),
      inMessage(done.deleted),
      ({ data_ids }, context) => remove(data_ids, context),
    ),

    list: endpoint(fromQuery(pagingFields), listOf(shape), async (paging, { call, datetimes }) => {
      // Without a field these lists are sorted by id, not by time.
      const field = paging.v_order_field || (paging.v_order && "id");
      const found = await resource.list(call, toPaging({ ...paging, v_order_field: field }, sortFields));
      const rows = ({ ids: texts }: { readonly ids: readonly string[] }) =>
        resource.rows(call, texts.map(Number));
      return pagedList({ found, rows, show: (view) => show(view, datetimes) }, paging);
    }),

    get: endpoint(
      fromQuery({ data_id: required(rowId) }),
      one(shape),
      async ({ data_id }, { call, datetimes }) => data(show(await resource.get(call, data_id), datetimes)),
    ),
  };
}
