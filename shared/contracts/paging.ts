/** Most rows that one list query returns; more is `LIST_TOO_LONG`. */
export const MOST_ROWS = 10_000;
/** Most rows that one query reads by their ids. */
export const MOST_ROW_IDS = 1000;

const paging = {
  page: { type: "number", integer: true, min: 1, default: 1 },
  /** 0 means all; a result has at most `MOST_ROWS` rows. */
  limit: { type: "number", integer: true, min: 0, default: 10 },
  order: { type: "enum", values: ["asc", "desc"], optional: true },
} as const;

/** Paging of a list that can be sorted by these fields of its items; without one the newest come last. */
export const pagingBy = <const F extends string>(fields: readonly F[]) =>
  ({ ...paging, orderField: { type: "enum", values: fields, optional: true } }) as const;

export interface Page<Item> {
  /** The page's first rows, as many as one message between services holds. */
  readonly items: readonly Item[];
  /** Rows that match, on all pages. */
  readonly total: number;
  /** Ids of the page's other rows, in order; left out where there are none. */
  readonly rest?: readonly string[];
}

/** Reads rows by their ids, such as the `rest` of a page. */
export const rowsQuery = {
  ids: { type: "array", max: MOST_ROW_IDS, items: "id" },
  /** Where a row was too large for one message: the position in its text at which to go on. */
  from: { type: "number", integer: true, min: 0, optional: true },
} as const;

export interface Rows<Item> {
  /** As many of the rows as one message holds, in the order of the ids; rows that are deleted are left out. */
  readonly items: readonly Item[];
  /** How many of the ids are done. */
  readonly taken: number;
  /** Part of the row that follows: it is larger than a message. */
  readonly piece?: Piece;
}

/** Part of a row as JSON text. */
export interface Piece {
  readonly text: string;
  /** Length of the whole text, in UTF-16 units as `from` counts them. */
  readonly length: number;
  /** Another one means that the row has changed meanwhile. */
  readonly digest: string;
}
