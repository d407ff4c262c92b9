import { p } from "@mikro-orm/core";

/** The columns of every table: times, deletion and version. */
export const rowColumns = {
  id: p.integer().primary(),
  createdAt: p.datetime().name("create_datetime"),
  updatedAt: p.datetime().name("update_datetime"),
  deletedAt: p.datetime().name("delete_datetime").nullable(),
  isDeleted: p.boolean().name("is_delete").default(false),
  /** The number of events on the row's stream. An update of a row that was changed meanwhile fails. */
  version: p.integer().concurrencyCheck(),
} as const;

/** A row of any table. */
export interface RowColumns {
  id: number;
  createdAt: Date;
  updatedAt: Date;
  deletedAt?: Date | null;
  isDeleted: boolean;
  version: number;
}

/** Rows that are deleted remain stored; queries do not return them unless they switch this filter off. */
export const notDeleted = {
  notDeleted: { name: "notDeleted", cond: { isDeleted: false }, default: true },
} as const;
