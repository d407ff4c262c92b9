import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeDocument } from "../bson/encode.ts";
import { randomSource } from "../bson/random.fixture.ts";
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
import { DuplicateKey, WriteConflict } from "./write-conflict.ts";

const SEED = Number(process.env.COMMIT_SEED ?? Date.now() % 1_000_000);
const random = randomSource(SEED);
const roll = (sides: number): number => Math.floor(random() * sides);

interface Fields {
  readonly n: number;
  readonly u: number;
}
type State = ReadonlyMap<number, Fields>;

/** An engine that pauses behind every single step of a commit or a rollback, until the test lets it go on. */
class SlowEngine {
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

  /** Lets everything that is paused take one more step. */
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

  /** What a view sees without an index, and through each index. */
  read(view: ReadView): { natural: string[]; byN: string[]; byU: string[] } {
    const natural: string[] = [];
    for (const record of this.collection.records) {
      const bytes = visibleBytes(record, view);
      if (bytes !== null) natural.push(shownBytes(bytes));
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
    const found: { key: number; shown: string }[] = [];
    for (let step = scan.step(); step !== "end"; step = scan.step()) {
      if (step !== "found") continue;
      const key = scan.source.document.get(name) as number;
      found.push({ key, shown: shownBytes(scan.source.bytes) });
    }
    assert.deepEqual(
      found.map(({ key }) => key),
      found.map(({ key }) => key).sort((a, b) => a - b),
      `the index on ${name} gives its order`,
    );
    return found.map(({ shown }) => shown).sort();
  }

  #find(view: ReadView, id: number) {
    const key = this.collection.idIndex.keyOf([id]);
    return this.collection.findById(key, view)!;
  }
}

const bytesOf = (id: number, { n, u }: Fields): Uint8Array => encodeDocument(documentOf({ _id: id, n, u }));
const shown = (id: number, { n, u }: Fields): string => `${id}: n=${n} u=${u}`;

function shownBytes(bytes: Uint8Array): string {
  const { document } = new LazyDocument(bytes);
  const [id, n, u] = ["_id", "n", "u"].map((name) => document.get(name) as number);
  return shown(id!, { n: n!, u: u! });
}

function assertSees(slow: SlowEngine, view: ReadView, state: State): void {
  const expected = [...state].map(([id, fields]) => shown(id, fields)).sort();
  assert.deepEqual(slow.read(view), { natural: expected, byN: expected, byU: expected });
}

describe("a commit that takes a while", () => {
  const withTen = async () => {
    const slow = new SlowEngine();
    const first = slow.engine.begin({ isPlain: true });
    for (let id = 0; id < 10; id++) slow.insert(first, id, { n: 0, u: id });
    const committed = slow.engine.commit(first);
    await slow.finish();
    await committed;
    return slow;
  };
  const states = (u: (id: number) => number, n = 0): State =>
    new Map(Array.from({ length: 10 }, (_, id) => [id, { n, u: u(id) }]));

  it("shows all its writes at once, to those only who come behind it", async () => {
    const slow = await withTen();
    const before = slow.engine.openView();
    const long = slow.engine.begin({ isPlain: true });
    for (let id = 0; id < 10; id++) slow.update(long, id, { n: 1, u: id + 100 });
    const committed = slow.engine.commit(long);
    for (let step = 0; step < 12; step++) {
      assertSees(
        slow,
        before,
        states((id) => id),
      );
      assertSees(
        slow,
        slow.engine.openView(),
        states((id) => id + 100, 1),
      );
      await slow.step();
    }
    await committed;
  });

  it("is no conflict for a writer who comes behind it, and one for a writer who was there before", async () => {
    const slow = await withTen();
    const older = slow.engine.begin({ isPlain: true });
    const long = slow.engine.begin({ isPlain: true });
    for (let id = 0; id < 10; id++) slow.update(long, id, { n: 1, u: id + 100 });
    const committed = slow.engine.commit(long);

    const younger = slow.engine.begin({ isPlain: true });
    slow.update(younger, 9, { n: 2, u: 9 });
    slow.insert(younger, 10, { n: 2, u: 8 });
    assert.throws(() => slow.insert(younger, 11, { n: 2, u: 107 }), DuplicateKey);
    assert.throws(() => slow.update(older, 8, { n: 3, u: 8 }), { code: 112, holder: null });
    assert.throws(() => slow.remove(older, 7), WriteConflict);
    const second = slow.engine.commit(younger);
    await slow.finish();
    await Promise.all([committed, second]);
    const expected = new Map(states((id) => id + 100, 1));
    expected.set(9, { n: 2, u: 9 }).set(10, { n: 2, u: 8 });
    assertSees(slow, slow.engine.openView(), expected);
  });

  it("holds what it has written while it is taken back, and lets go of all in the end", async () => {
    const slow = await withTen();
    const long = slow.engine.begin({ isPlain: true });
    for (let id = 0; id < 10; id++) slow.remove(long, id);
    slow.insert(long, 10, { n: 5, u: 50 });
    const aborted = slow.engine.abort(long);
    const other = slow.engine.begin({ isPlain: true });
    assert.throws(() => slow.update(other, 0, { n: 9, u: 0 }), { code: 112, holder: long });
    assert.throws(() => slow.update(long, 0, { n: 9, u: 0 }), { code: 251 });
    await slow.finish();
    await aborted;
    slow.update(other, 0, { n: 9, u: 50 });
    await slow.engine.commit(other);
    assertSees(slow, slow.engine.openView(), new Map(states((id) => id)).set(0, { n: 9, u: 50 }));
  });

  it(`agrees with a model through random transactions (COMMIT_SEED=${SEED})`, async () => {
    await new Model(new SlowEngine()).run(1_500);
  });
});

interface OpenTransaction {
  readonly transaction: Transaction;
  readonly began: State;
  state: State;
  readonly written: Set<number>;
}

/** Random transactions over an engine, and plain maps that say what each view must see. */
class Model {
  readonly #slow: SlowEngine;
  #committed: State = new Map();
  #open: OpenTransaction[] = [];
  #views: { readonly view: ReadView; readonly state: State }[] = [];
  #nextId = 0;
  readonly #ends: Promise<void>[] = [];

  constructor(slow: SlowEngine) {
    this.#slow = slow;
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.#act();
      this.#check();
    }
    for (const open of [...this.#open]) this.#end(open, true);
    await this.#slow.finish();
    await Promise.all(this.#ends);
    const { versions } = this.#slow.engine;
    for (const { view } of this.#views.splice(0)) versions.close(view);
    // One is pruned in each turn.
    for (let turns = versions.retiredVersions; turns > 0; turns--) await this.#slow.step();
    this.#check();
    assert.equal(versions.retiredVersions, 0);
    for (const { name, entries } of this.#slow.collection.indexes) {
      assert.equal(entries.size, this.#committed.size, `nothing is left over in the index ${name}`);
    }
    assert.equal([...this.#slow.collection.records].length, this.#committed.size);
  }

  async #act(): Promise<void> {
    const { engine } = this.#slow;
    const choice = roll(20);
    if (choice === 0 && this.#views.length < 3)
      this.#views.push({ view: engine.openView(), state: this.#committed });
    else if (choice === 1 && this.#views.length > 0) {
      const [closed] = this.#views.splice(roll(this.#views.length), 1);
      engine.versions.close(closed!.view);
    } else if (choice < 4) await this.#slow.step();
    else if (choice < 6 && this.#open.length < 4) {
      const transaction = engine.begin({ isPlain: false });
      const state = this.#committed;
      this.#open.push({ transaction, began: state, state, written: new Set() });
    } else if (this.#open.length > 0) {
      const open = this.#open[roll(this.#open.length)]!;
      if (choice < 8) this.#end(open, choice === 6 || roll(3) === 0);
      else this.#write(open);
    }
  }

  #write(open: OpenTransaction): void {
    const ids = [...open.state.keys()];
    const isInsert = ids.length === 0 || roll(3) === 0;
    const id = isInsert ? this.#nextId++ : ids[roll(ids.length)]!;
    const fields = { n: roll(4), u: roll(60) };
    const isRemoval = !isInsert && roll(3) === 0;
    try {
      if (isInsert) this.#slow.insert(open.transaction, id, fields);
      else if (isRemoval) this.#slow.remove(open.transaction, id);
      else this.#slow.update(open.transaction, id, fields);
    } catch (error) {
      if (error instanceof WriteConflict || error instanceof DuplicateKey) return;
      throw error;
    }
    const others = this.#open.filter((other) => other !== open && other.written.has(id));
    assert.equal(others.length, 0, "no two transactions write to one document");
    assert.equal(
      this.#committed.get(id),
      open.began.get(id),
      "nobody else has changed it since the snapshot",
    );
    const state = new Map(open.state);
    if (isRemoval) state.delete(id);
    else state.set(id, fields);
    open.state = state;
    open.written.add(id);
  }

  #end(open: OpenTransaction, isAborted: boolean): void {
    const { transaction, state, written } = open;
    this.#open = this.#open.filter((other) => other !== open);
    const { engine } = this.#slow;
    this.#ends.push(isAborted ? engine.abort(transaction) : engine.commit(transaction));
    if (isAborted) return;
    const committed = new Map(this.#committed);
    for (const id of written) {
      const fields = state.get(id);
      if (fields === undefined) committed.delete(id);
      else committed.set(id, fields);
    }
    this.#committed = committed;
  }

  #check(): void {
    for (const { view, state } of this.#views) assertSees(this.#slow, view, state);
    for (const { transaction, state } of this.#open) assertSees(this.#slow, transaction, state);
    const { clock } = this.#slow.engine.versions;
    assertSees(this.#slow, { at: clock, transaction: null }, this.#committed);
  }
}
