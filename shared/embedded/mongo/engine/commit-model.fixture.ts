import assert from "node:assert/strict";
import { randomSource } from "../bson/random.fixture.ts";
import type { ReadView } from "./document-record.ts";
import { assertSees, type SlowEngine, type State } from "./slow-engine.fixture.ts";
import type { Transaction } from "./transaction.ts";
import { DuplicateKey, WriteConflict } from "./write-conflict.ts";

interface OpenTransaction {
  readonly transaction: Transaction;
  readonly began: State;
  state: State;
  readonly written: Set<number>;
}

/** Random transactions on an engine, with plain maps as the expected content of each view. */
export class CommitModel {
  readonly #slow: SlowEngine;
  readonly #random: () => number;
  #committed: State = new Map();
  #open: OpenTransaction[] = [];
  #views: { readonly view: ReadView; readonly state: State }[] = [];
  #nextId = 0;
  readonly #ends: Promise<void>[] = [];

  constructor(slow: SlowEngine, seed: number) {
    this.#slow = slow;
    this.#random = randomSource(seed);
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
    // Each turn prunes one.
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
    const choice = this.#roll(20);
    if (choice === 0 && this.#views.length < 3)
      this.#views.push({ view: engine.openView(), state: this.#committed });
    else if (choice === 1 && this.#views.length > 0) {
      const [closed] = this.#views.splice(this.#roll(this.#views.length), 1);
      engine.versions.close(closed!.view);
    } else if (choice < 4) await this.#slow.step();
    else if (choice < 6 && this.#open.length < 4) {
      const transaction = engine.begin({ isPlain: false });
      const state = this.#committed;
      this.#open.push({ transaction, began: state, state, written: new Set() });
    } else if (this.#open.length > 0) {
      const open = this.#open[this.#roll(this.#open.length)]!;
      if (choice < 8) this.#end(open, choice === 6 || this.#roll(3) === 0);
      else this.#write(open);
    }
  }

  #write(open: OpenTransaction): void {
    const ids = [...open.state.keys()];
    const isInsert = ids.length === 0 || this.#roll(3) === 0;
    const id = isInsert ? this.#nextId++ : ids[this.#roll(ids.length)]!;
    const fields = { n: this.#roll(4), u: this.#roll(60) };
    const isRemoval = !isInsert && this.#roll(3) === 0;
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
      "no other transaction has changed it since the snapshot",
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

  #roll(sides: number): number {
    return Math.floor(this.#random() * sides);
  }

  #check(): void {
    for (const { view, state } of this.#views) assertSees(this.#slow, view, state);
    for (const { transaction, state } of this.#open) assertSees(this.#slow, transaction, state);
    const { clock } = this.#slow.engine.versions;
    assertSees(this.#slow, { at: clock, transaction: null }, this.#committed);
  }
}
