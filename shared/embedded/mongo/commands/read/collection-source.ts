import type { BsonDocument } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import type { ReadView } from "../../engine/document-record.ts";
import type { Pace } from "../../pacing/pace.ts";
import { type CompiledQuery, type Row, Rows, type Window } from "../../planner/rows.ts";
import type { CommandContext } from "../request/context.ts";

/**
 * The view that a cursor reads: that of its transaction, of a snapshot read, or otherwise a new snapshot for each
 * batch.
 */
export class BatchView {
  readonly #context: CommandContext;
  readonly #isFixed: boolean;
  #held: ReadView | null = null;

  constructor(context: CommandContext) {
    this.#context = context;
    this.#isFixed = context.snapshot !== null;
    // The cursor needs its own view: it may live longer than the snapshot of its session.
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

/** The decoded documents of a query, as input of a pipeline. */
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
