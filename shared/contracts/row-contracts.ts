import { MOST_ROW_IDS } from "./paging.ts";

/** The id of a row in PostgreSQL. A larger number is the id of no row. */
export const rowId = { type: "number", integer: true, min: 1, max: 2 ** 31 - 1 } as const;
/** An id that a client sent: it may be of no row. */
export const anyRowId = { type: "number", integer: true } as const;
/** Ids that a client sent. */
export const anyRowIds = { type: "array", max: 10_000, items: anyRowId } as const;

/** What a column of the type integer holds. */
export const integer = { type: "number", integer: true, min: -(2 ** 31), max: 2 ** 31 - 1 } as const;

/** Times of a row in a view. */
export const rowTimes = { createdAt: "instant", updatedAt: "instant" } as const;

/** Reads rows by their ids, such as the `rest` of a page. */
export const rowsByIds = { ids: { type: "array", max: MOST_ROW_IDS, items: anyRowId } } as const;
