/** Most rows that one list query returns; more is `LIST_TOO_LONG`. */
export const MOST_ROWS = 10_000;
/** Most rows that are asked for by their ids at a time. */
export const MOST_ROW_IDS = 1000;

/** Paging as every list of the HTTP API knows it. */
export const paging = {
  page: { type: "number", integer: true, min: 1, default: 1 },
  /** 0 means all; an answer has at most `MOST_ROWS` rows. */
  limit: { type: "number", integer: true, min: 0, default: 10 },
  /** Name of a stored field, e.g. `create_datetime`; without it the newest come last. */
  orderField: "string|optional",
  order: { type: "enum", values: ["asc", "desc"], optional: true },
} as const;

export interface Page<Item> {
  /** The page's first rows, as many as one message between services holds. */
  readonly items: readonly Item[];
  /** Rows that match, on all pages. */
  readonly total: number;
  /** Ids of the page's other rows, in order; left out where there are none. */
  readonly rest?: readonly string[];
}

/** Asks for rows by their ids, such as a page's `rest`. */
export const rowsQuery = {
  ids: { type: "array", max: MOST_ROW_IDS, items: "id" },
  /** Where a row was too large for one message: the place in its text at which to go on. */
  from: { type: "number", integer: true, min: 0, optional: true },
} as const;

export interface Rows<Item> {
  /** As many of the rows as one message holds, in the order of the ids; rows that are deleted are left out. */
  readonly items: readonly Item[];
  /** How many of the ids are dealt with. */
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
