import type { BsonDocument } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import type { ReadView } from "../../engine/document-record.ts";
import type { Pace } from "../../pacing/pace.ts";
import { type CompiledQuery, type Row, Rows, type Window } from "../../planner/rows.ts";
import type { CommandContext } from "../request/context.ts";

/**
 * The state of the data that a cursor reads: its transaction's, that of a snapshot read, or a snapshot of now that it
 * takes anew for each batch and keeps while it fills it, however long that takes.
 */
export class BatchView {
  readonly #context: CommandContext;
  readonly #isFixed: boolean;
  #held: ReadView | null = null;

  constructor(context: CommandContext) {
    this.#context = context;
    this.#isFixed = context.snapshot !== null;
    // A view of its own: the cursor may outlast what the server keeps for the session.
    if (context.snapshot !== null) this.#held = context.server.engine.viewAt(context.snapshot.view);
  }

  get current(): ReadView {
    const { transaction, server } = this.#context;
    return transaction ?? this.#held ?? { at: server.engine.versions.durable, transaction: null };
  }

  begin(): void {
    if (this.#context.transaction === null && !this.#isFixed)
      this.#held = this.#context.server.engine.openView();
  }

  end(): void {
    if (!this.#isFixed) this.close();
  }

  close(): void {
    if (this.#held !== null) this.#context.server.engine.versions.close(this.#held);
    this.#held = null;
  }
}

/** The decoded documents that a query finds, for a pipeline. */
export async function* queriedDocuments(
  collection: Collection,
  query: CompiledQuery,
  { view, slice, skip, limit }: Window & { view: BatchView; slice: Pace },
): AsyncGenerator<BsonDocument, void, undefined> {
  const rows = new Rows(collection, query, { view: () => view.current, skip, limit });
  for (;;) {
    const next: Row | null | Promise<Row | null> = rows.next(slice);
    const row = next instanceof Promise ? await next : next;
    if (row === null) return;
    yield row.source.document;
  }
}
