import assert from "node:assert/strict";
import { encodeDocument } from "../bson/encode.ts";
import { documentOf } from "../bson/values.ts";
import { Scan } from "../planner/scan.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Collection } from "./collection.ts";
import { CollectionIndex } from "./collection-index.ts";
import { type ReadView, visibleBytes } from "./document-record.ts";
import { Engine } from "./engine.ts";
import { LazyDocument } from "./lazy-document.ts";
import { EVERY_KEY } from "./ordered-entries.ts";
import type { Transaction } from "./transaction.ts";

export interface Fields {
  readonly n: number;
  readonly u: number;
}
export type State = ReadonlyMap<number, Fields>;

/** An engine that pauses after every step of a commit or a rollback until the test continues it. */
export class SlowEngine {
  readonly engine = new Engine(memoryStore(), () => ({
    isOver: () => true,
    pause: () => new Promise<void>((resolve) => this.#paused.push(resolve)),
  }));
  readonly collection: Collection;
  #paused: (() => void)[] = [];

  constructor() {
    this.collection = this.engine.catalog.prepare("app", "items", documentOf({}));
    this.engine.catalog.add(this.collection);
    for (const [field, unique] of [
      ["n", false],
      ["u", true],
    ] as const) {
      const definition = documentOf({ v: 2, key: documentOf({ [field]: 1 }), name: field, unique });
      this.collection.indexes.push(new CollectionIndex(definition));
    }
  }

  /** Continues everything that is paused by one step. */
  async step(): Promise<void> {
    const paused = this.#paused;
    this.#paused = [];
    for (const go of paused) go();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  async finish(): Promise<void> {
    do await this.step();
    while (this.#paused.length > 0);
  }

  insert(transaction: Transaction, id: number, fields: Fields): void {
    this.collection.insert(transaction, new LazyDocument(bytesOf(id, fields)));
  }

  update(transaction: Transaction, id: number, fields: Fields): void {
    const record = this.#find(transaction, id);
    const source = new LazyDocument(bytesOf(id, fields));
    this.collection.update(transaction, { record, source, heads: null });
  }

  remove(transaction: Transaction, id: number): void {
    this.collection.remove(transaction, this.#find(transaction, id));
  }

  /** The content of a view, read without an index and through each index. */
  read(view: ReadView): { natural: string[]; byN: string[]; byU: string[] } {
    const natural: string[] = [];
    for (const record of this.collection.records) {
      const bytes = visibleBytes(record, view);
      if (bytes !== null) natural.push(formatBytes(bytes));
    }
    return { natural: natural.sort(), byN: this.#through("n", view), byU: this.#through("u", view) };
  }

  #through(name: string, view: ReadView): string[] {
    const index = this.collection.indexes.find((other) => other.name === name)!;
    const plan = {
      index,
      intervals: [EVERY_KEY],
      isBackwards: false,
      isExact: true,
      isSorted: true,
      branches: [],
    };
    const scan = new Scan(this.collection, plan, { view: () => view, match: () => true });
    const found: { key: number; text: string }[] = [];
    for (let step = scan.step(); step !== "end"; step = scan.step()) {
      if (step !== "found") continue;
      const key = scan.source.document.get(name) as number;
      found.push({ key, text: formatBytes(scan.source.bytes) });
    }
    assert.deepEqual(
      found.map(({ key }) => key),
      found.map(({ key }) => key).sort((a, b) => a - b),
      `the index on ${name} gives its order`,
    );
    return found.map(({ text }) => text).sort();
  }

  #find(view: ReadView, id: number) {
    const key = this.collection.idIndex.keyOf([id]);
    return this.collection.findById(key, view)!;
  }
}

const bytesOf = (id: number, { n, u }: Fields): Uint8Array => encodeDocument(documentOf({ _id: id, n, u }));
const text = (id: number, { n, u }: Fields): string => `${id}: n=${n} u=${u}`;

function formatBytes(bytes: Uint8Array): string {
  const { document } = new LazyDocument(bytes);
  const [id, n, u] = ["_id", "n", "u"].map((name) => document.get(name) as number);
  return text(id!, { n: n!, u: u! });
}

export function assertSees(slow: SlowEngine, view: ReadView, state: State): void {
  const expected = [...state].map(([id, fields]) => text(id, fields)).sort();
  assert.deepEqual(slow.read(view), { natural: expected, byN: expected, byU: expected });
}
