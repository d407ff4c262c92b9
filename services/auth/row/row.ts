import { AppError } from "../../../shared/errors.ts";
import type { Decider } from "../../../shared/event-store/decider.ts";

/** A row as commands see it: its fields, and whether it was deleted; null before it is created. */
export type RowState<Fields> = { readonly fields: Fields; readonly isDeleted: boolean } | null;

/** What can be done to a row of any table. */
export type RowCommand<Fields> =
  | { readonly type: "create"; readonly id: number; readonly fields: Fields; readonly now: number }
  | { readonly type: "change"; readonly id: number; readonly fields: Fields; readonly now: number }
  | { readonly type: "delete"; readonly id: number; readonly now: number };

/** The events of one table. */
export interface RowEvents<Fields, Event> {
  readonly kind: string;
  created(id: number, fields: Fields, at: string): Event;
  changed(id: number, fields: Fields, at: string): Event;
  deleted(id: number, at: string): Event;
  /** The fields that the event states; null for a deletion. */
  fieldsIn(event: Event): Fields | null;
}

/** What a client wanted to do with a row that does not exist. */
export type RowUse = "read" | "change" | "delete";

/** No row has this id, or all rows with these ids are deleted. */
export class RowNotFound extends AppError {
  constructor(kind: string, use: RowUse, id?: number) {
    super(`There is no ${kind}${id === undefined ? " with one of these ids" : ` ${id}`}`, {
      type: "ROW_NOT_FOUND",
      data: { kind, use, ...(id === undefined ? {} : { id }) },
    });
  }
}

/**
 * The rules of a row: it is created once, and changed or deleted while it is there. A change without a difference and a
 * repeated deletion do nothing.
 */
export function rowDecider<Fields, Event>(
  events: RowEvents<Fields, Event>,
): Decider<RowState<Fields>, RowCommand<Fields>, Event> {
  return {
    initialState: null,

    decide(command, state) {
      const { id, now } = command;
      const at = new Date(now).toISOString();
      switch (command.type) {
        case "create":
          return state === null ? [events.created(id, command.fields, at)] : [];
        case "change":
          if (state === null || state.isDeleted) throw new RowNotFound(events.kind, "change", id);
          return isSame(state.fields, command.fields) ? [] : [events.changed(id, command.fields, at)];
        case "delete":
          return state === null || state.isDeleted ? [] : [events.deleted(id, at)];
      }
    },

    evolve(state, event) {
      const fields = events.fieldsIn(event);
      if (fields !== null) return { fields, isDeleted: false };
      return state === null ? state : { ...state, isDeleted: true };
    },
  };
}

/** Fields are plain JSON in a fixed order. */
const isSame = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);
