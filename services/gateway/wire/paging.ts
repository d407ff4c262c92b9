import type { ActionParams } from "../../../shared/contracts/actions.ts";
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
type Paging = ActionParams<"scheduler.list">;

/** No store holds more rows; a page or limit beyond it means the same, and the product still fits an int64. */
const MOST_ROWS = 2 ** 31 - 1;
const FIELD_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/**
 * Paging as the services take it. Only `desc` and `descending` turn the order round; an order without a field
 * means `create_datetime`; without either the list keeps its own order. Throws `InvalidInput` for a page below 1, a
 * limit below 0 and an order field that cannot be the name of one, all of which the original answers with a 500.
 */
export function toPaging({ page, limit, v_order_field, v_order }: PagingQuery): Paging {
  const errors: FieldFault[] = [];
  if (page < 1) errors.push({ field: "page", message: inputFaults.pageTooSmall, expected: "integer, >= 1" });
  if (limit < 0) {
    errors.push({ field: "limit", message: inputFaults.limitTooSmall, expected: "integer, >= 0" });
  }
  if (v_order_field !== "" && !FIELD_NAME.test(v_order_field)) {
    errors.push({
      field: "v_order_field",
      message: inputFaults.notAnOrderField,
      expected: "field name",
    });
  }
  if (errors.length > 0) throw new InvalidInput(errors, null);
  const rows = { page: Math.min(page, MOST_ROWS), limit: Math.min(limit, MOST_ROWS) };
  if (v_order_field === "" && v_order === "") return rows;
  const isDescending = v_order === "desc" || v_order === "descending";
  return { ...rows, orderField: v_order_field || "create_datetime", order: isDescending ? "desc" : "asc" };
}
