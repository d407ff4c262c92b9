import type { EntitySchema, FilterQuery, RequiredEntityData } from "@mikro-orm/core";
import type { SqlEntityManager } from "@mikro-orm/postgresql";
import { MOST_ROWS, type Page, type Rows } from "../../../shared/contracts/paging.ts";
import type { StateStore } from "../../../shared/event-store/command-handler-options.ts";
import { withStoreErrors } from "../../../shared/event-store/orm-errors.ts";
import { emOf } from "../../../shared/event-store/orm-transaction.ts";
import { READ_AT_A_TIME, RowBlock, refuseMany } from "../../../shared/row-block.ts";
import type { RowColumns } from "../store/row-entity.ts";
import type { RowCommand, RowState } from "./row.ts";

/** A list query; a page has a total order, so that pages neither overlap nor leave gaps. */
export interface RowQuery<Field extends string> {
  readonly page: number;
  readonly limit: number;
  readonly orderField?: Field | undefined;
  readonly order?: "asc" | "desc" | undefined;
}

/** How one table is read and written. */
export interface RowMapping<Row extends RowColumns, Fields, View, Field extends string> {
  readonly entity: EntitySchema<Row>;
  /** The relations that fields and views need. */
  readonly relations: readonly string[];
  readonly table: string;
  /** The column of each field that a list can be sorted by. */
  readonly columns: Readonly<Record<Field, string>>;
  fieldsOf(row: Row): Fields;
  /** Puts fields into a row of this unit of work. */
  assign(row: Row, fields: Fields, em: SqlEntityManager): void;
  viewOf(row: Row): View;
}

/** The rows of one table. Reads return what is not deleted. All methods throw `STORE_UNAVAILABLE`. */
export interface OrmRows<Fields, View, Event, Field extends string>
  extends StateStore<RowState<Fields>, RowCommand<Fields>, Event> {
  /** Ids for new rows. */
  nextIds(count: number): Promise<readonly number[]>;
  /** The rows with these ids, in no certain order. */
  find(ids: readonly number[]): Promise<readonly View[]>;
  /** @throws `LIST_TOO_LONG` */
  list(query: RowQuery<Field>): Promise<Page<View>>;
  rows(query: { readonly ids: readonly number[] }): Promise<Rows<View>>;
}

/** A larger number is the id of no row, and PostgreSQL rejects it as a parameter. */
const HIGHEST_ID = 2 ** 31 - 1;

export function ormRows<Row extends RowColumns, Fields, View, Event, Field extends string>(
  root: SqlEntityManager,
  mapping: RowMapping<Row, Fields, View, Field>,
): OrmRows<Fields, View, Event, Field> {
  const { entity, table, columns, relations, fieldsOf, assign, viewOf } = mapping;

  /** Rows by id, deleted ones too if wanted. */
  async function find(
    em: SqlEntityManager,
    ids: readonly number[],
    { deleted = false } = {},
  ): Promise<ReadonlyMap<number, Row>> {
    const possible = ids.filter((id) => id >= 1 && id <= HIGHEST_ID);
    if (possible.length === 0) return new Map();
    const where = { id: { $in: possible } } as unknown as FilterQuery<Row>;
    const rows = await em.find(entity, where, {
      populate: relations as never,
      ...(deleted && { filters: { notDeleted: false } }),
    });
    return new Map(rows.map((row) => [row.id, row as Row]));
  }

  async function read(em: SqlEntityManager, ids: readonly number[]): Promise<Rows<View>> {
    const block = new RowBlock<View>();
    let taken = 0;
    while (taken < ids.length) {
      const wanted = ids.slice(taken, taken + READ_AT_A_TIME);
      const found = await find(em, wanted);
      for (const id of wanted) {
        const row = found.get(id);
        if (row && !block.takes(viewOf(row))) return { items: block.items, taken };
        taken += 1;
      }
    }
    return { items: block.items, taken };
  }

  async function page(em: SqlEntityManager, query: RowQuery<Field>): Promise<Page<View>> {
    const [{ total } = { total: 0 }] = await em.execute<{ total: number }[]>(
      `select count(*)::int as total from ${table} where not is_delete`,
    );
    const skip = (query.page - 1) * query.limit;
    if (query.limit === 0 || query.limit > MOST_ROWS) refuseMany(total, skip);
    const limit = query.limit === 0 ? MOST_ROWS : Math.min(query.limit, MOST_ROWS);
    const found = await em.execute<{ id: number }[]>(
      `select id from ${table} where not is_delete order by ${sorting(query)} limit ? offset ?`,
      [limit, skip],
    );
    const ids = found.map(({ id }) => id);
    const { items, taken } = await read(em, ids);
    const rest = ids.slice(taken).map(String);
    return { items, total, ...(rest.length > 0 && { rest }) };
  }

  const sorting = ({ orderField, order }: RowQuery<Field>): string => {
    const direction = order === "desc" ? "desc" : "asc";
    const column = orderField === undefined ? undefined : columns[orderField];
    return column === undefined || column === "id"
      ? `id ${direction}`
      : `${column} ${direction}, id ${direction}`;
  };

  return {
    async load(ids, { transaction }) {
      const em = transaction ? emOf(transaction) : root.fork();
      const found = await withStoreErrors(find(em, ids.map(Number), { deleted: true }));
      return new Map(
        [...found].map(([id, row]) => [
          String(id),
          { state: { fields: fieldsOf(row), isDeleted: row.isDeleted }, version: row.version },
        ]),
      );
    },

    async write(transaction, changes) {
      const em = emOf(transaction);
      const known = await find(
        em,
        changes.filter(({ before }) => before).map(({ id }) => Number(id)),
        {
          deleted: true,
        },
      );
      for (const { id, after, version, decided } of changes) {
        if (after === null) continue;
        const at = new Date(Math.max(...decided.map(({ command }) => command.now)));
        const row = known.get(Number(id)) ?? newRow(em, entity, Number(id), at);
        assign(row, after.fields, em);
        row.version = version;
        if (after.isDeleted) row.deletedAt = at;
        else row.updatedAt = at;
        row.isDeleted = after.isDeleted;
      }
    },

    async nextIds(count) {
      const rows = await withStoreErrors(
        root
          .fork()
          .execute<{ id: number }[]>(
            `select nextval(pg_get_serial_sequence('${table}', 'id'))::int as id from generate_series(1, ?)`,
            [count],
          ),
      );
      return rows.map(({ id }) => id);
    },

    async find(ids) {
      const found = await withStoreErrors(find(root.fork(), ids));
      return [...found.values()].map(viewOf);
    },

    list: (query) => withStoreErrors(page(root.fork(), query)),
    rows: ({ ids }) => withStoreErrors(read(root.fork(), ids)),
  };
}

function newRow<Row extends RowColumns>(
  em: SqlEntityManager,
  entity: EntitySchema<Row>,
  id: number,
  at: Date,
): Row {
  const columns = { id, createdAt: at, updatedAt: at, deletedAt: null, isDeleted: false, version: 1 };
  return em.create(entity, columns as unknown as RequiredEntityData<Row>, { partial: true });
}
