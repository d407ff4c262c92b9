import type { Collection } from "../../engine/collection.ts";
import type { ReadView } from "../../engine/document-record.ts";
import type { TimeSlice } from "../../pacing/time-slice.ts";
import { type CompiledQuery, Rows, type Window } from "../../planner/rows.ts";
import type { CommandContext } from "../request/context.ts";

/**
 * Runs `read` on one view: that of the transaction, of a snapshot read, or of the current state. The view stays
 * open until `read` ends.
 */
export async function withView<T>(
  { server: { engine }, transaction, snapshot }: CommandContext,
  read: (view: ReadView) => Promise<T>,
): Promise<T> {
  if (transaction !== null) return read(transaction);
  const view = snapshot === null ? engine.openView() : engine.viewAt(snapshot.view);
  try {
    return await read(view);
  } finally {
    engine.versions.close(view);
  }
}

export interface CountJob extends Window {
  readonly collection: Collection;
  readonly query: CompiledQuery;
  readonly view: ReadView;
  readonly slice: TimeSlice;
}

export async function countRows({ collection, query, view, slice, skip, limit }: CountJob): Promise<number> {
  const rows = new Rows(collection, query, { view: () => view, skip, limit });
  let n = 0;
  for (;;) {
    const next = rows.next(slice);
    if ((next instanceof Promise ? await next : next) === null) return n;
    n += 1;
  }
}
