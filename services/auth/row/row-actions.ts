import { createHash } from "node:crypto";
import type { Clock } from "../../../shared/clock.ts";
import type { CommandRef } from "../../../shared/contracts/command.ts";
import type { Causation } from "../../../shared/contracts/event.ts";
import type { CommandHandler } from "../../../shared/event-store/command-handler.ts";
import type { CommandOutcomes } from "../../../shared/event-store/command-outcomes.ts";
import type { OrmRows } from "./orm-rows.ts";
import { type RowCommand, RowNotFound, type RowState, type RowUse } from "./row.ts";

/** What a call states about itself. */
export interface Caller {
  readonly cause: Causation;
  /** Identifies the change, so that a repeated call has no further effect; null if the caller did not name one. */
  readonly ref: CommandRef | null;
}

export interface RowActionsOptions<Fields, View, Event, Field extends string> {
  readonly kind: string;
  readonly rows: OrmRows<Fields, View, Event, Field>;
  readonly handler: CommandHandler<RowState<Fields>, RowCommand<Fields>, Event>;
  readonly outcomes: Pick<CommandOutcomes, "find">;
  readonly clock: Clock;
}

/** What can be done with the rows of one table. */
export interface RowActions<Fields, View> {
  /** All or none. Returns the ids of the new rows in the order of the fields. */
  create(fields: readonly Fields[], caller: Caller): Promise<readonly number[]>;
  /** @throws RowNotFound */
  change(id: number, fields: Fields, caller: Caller): Promise<{ readonly changed: boolean }>;
  /** Deletes the rows that exist. @throws RowNotFound if none does */
  remove(ids: readonly number[], caller: Caller): Promise<{ readonly deleted: number }>;
  /** @throws RowNotFound */
  get(id: number): Promise<View>;
}

export function rowActions<Fields, View, Event, Field extends string>(
  options: RowActionsOptions<Fields, View, Event, Field>,
): RowActions<Fields, View> {
  const { kind, rows, handler, outcomes, clock } = options;

  /** A repeated command has the ids that it had at first. */
  async function idsFor(refs: readonly (CommandRef | null)[]): Promise<readonly number[]> {
    const known = await outcomes.find(
      refs.flatMap((ref) => ref?.id ?? []),
      null,
    );
    if (known.size === 0) return rows.nextIds(refs.length);
    return refs.map((ref) => Number(known.get(ref?.id ?? "")?.subjectId));
  }

  return {
    async create(all, { cause, ref }) {
      if (all.length === 0) return [];
      const refs = all.map((_, index) => partOf(ref, index));
      const ids = await idsFor(refs);
      const now = clock.now();
      await handler.handleAll(
        all.map((fields, index) => {
          const id = ids[index] as number;
          const command = { type: "create", id, fields, now } as const;
          return { id: String(id), command, cause, ref: refs[index] ?? null };
        }),
      );
      return ids;
    },

    async change(id, fields, { cause, ref }) {
      requirePossible(id, kind, "change");
      const command = { type: "change", id, fields, now: clock.now() } as const;
      const { changed } = await handler.handle({ id: String(id), command, cause, ref });
      return { changed };
    },

    async remove(ids, { cause, ref }) {
      const now = clock.now();
      const wanted = [...new Set(ids.filter(isPossible))];
      if (wanted.length === 0) throw new RowNotFound(kind, "delete");
      const decisions = await handler.handleAll(
        wanted.map((id, index) => ({
          id: String(id),
          command: { type: "delete", id, now } as const,
          cause,
          ref: partOf(ref, index),
        })),
      );
      const deleted = decisions.filter(({ changed }) => changed).length;
      if (deleted === 0) throw new RowNotFound(kind, "delete");
      return { deleted };
    },

    async get(id) {
      const [view] = await rows.find([id]);
      if (view === undefined) throw new RowNotFound(kind, "read", id);
      return view;
    },
  };
}

/** PostgreSQL's integers; any other number is the id of no row. */
const isPossible = (id: number): boolean => Number.isInteger(id) && id >= 1 && id < 2 ** 31;

function requirePossible(id: number, kind: string, use: RowUse): void {
  if (!isPossible(id)) throw new RowNotFound(kind, use, id);
}

/** A command of its own for each row that one call changes. */
function partOf(ref: CommandRef | null, index: number): CommandRef | null {
  if (ref === null || index === 0) return ref;
  const id = createHash("sha1").update(`${ref.id} ${index}`).digest("hex").slice(0, 24);
  return { ...ref, id };
}
