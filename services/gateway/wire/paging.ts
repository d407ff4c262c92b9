import { inputFaults } from "../texts/messages.ts";
import { text, whole } from "./wire-kinds.ts";
import { type FieldFault, InvalidInput, optional, type ValuesOf } from "./wire-validation.ts";

/** The query of every list, in the original's order. */
export const pagingFields = {
  page: optional(whole({}), 1),
  limit: optional(whole({}), 10),
  v_order_field: optional(text(), ""),
  v_order: optional(text(), ""),
} as const;

export type PagingQuery = ValuesOf<typeof pagingFields>;

/** No store has more rows; a page or limit beyond it means the same, and the product still fits an int64. */
const MAX_ROWS = 2 ** 31 - 1;
const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** Paging as the services take it. */
export interface Paging<Field extends string> {
  readonly page: number;
  readonly limit: number;
  readonly orderField?: Field;
  readonly order?: "asc" | "desc";
}

/** The fields of a list by their names on the wire; every list can be sorted by `id` and `create_datetime`. */
type SortFields<Field extends string> = Readonly<Record<string, Field | "id">>;

/**
 * Only `desc` and `descending` reverse the order. An order without a field means `create_datetime`, and a field that
 * the list does not have means `id`; without either the list keeps its own order.
 *
 * @throws InvalidInput for a page below 1, a limit below 0 and an order field that cannot be the name of one, for all of
 * which the Python original returns a 500
 */
export function toPaging<Field extends string>(
  { page, limit, v_order_field, v_order }: PagingQuery,
  sortFields: SortFields<Field>,
): Paging<Field | "id"> {
  const errors: FieldFault[] = [];
  if (page < 1) errors.push({ field: "page", message: inputFaults.pageTooSmall, expected: "integer, >= 1" });
  if (limit < 0) {
    errors.push({ field: "limit", message: inputFaults.limitTooSmall, expected: "integer, >= 0" });
  }
  if (v_order_field !== "" && !FIELD_NAME.test(v_order_field)) {
    errors.push({
      field: "v_order_field",
      message: inputFaults.notASortField,
      expected: "field name",
    });
  }
  if (errors.length > 0) throw new InvalidInput(errors, null);
  const rows = { page: Math.min(page, MAX_ROWS), limit: Math.min(limit, MAX_ROWS) };
  if (v_order_field === "" && v_order === "") return rows;
  const isDescending = v_order === "desc" || v_order === "descending";
  const name = v_order_field || "create_datetime";
  const orderField = (Object.hasOwn(sortFields, name) && sortFields[name]) || "id";
  return { ...rows, orderField, order: isDescending ? "desc" : "asc" };
}
