import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CommitModel } from "./commit-model.fixture.ts";
import { assertSees, SlowEngine, type State } from "./slow-engine.fixture.ts";
import { DuplicateKey, WriteConflict } from "./write-conflict.ts";

/** Seeds that once found a bug. */
const FOUND_FAULTS = [370_285];
const SEEDS = [...FOUND_FAULTS, Number(process.env.COMMIT_SEED ?? Date.now() % 1_000_000)];

describe("a large commit", () => {
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

  it("shows all its writes at once, and only to later snapshots", async () => {
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

  it("conflicts with transactions that began before it, not with later ones", async () => {
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

  it("keeps its locks during a rollback and releases all of them at the end", async () => {
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

  it("leaves no index entry when versions are replaced before older ones are pruned", async () => {
    const slow = await withTen();
    const { engine, collection } = slow;
    const update = (n: number) => {
      const transaction = engine.begin({ isPlain: true });
      slow.update(transaction, 0, { n, u: 0 });
      return engine.commit(transaction);
    };
    const view = engine.openView();
    await Promise.all([update(1), update(2), update(3)]);
    engine.versions.close(view);
    assert.notEqual(engine.versions.retiredVersions, 0, "versions still wait");
    await update(4);
    for (let turns = engine.versions.retiredVersions; turns > 0; turns--) await slow.step();
    assertSees(slow, engine.openView(), new Map(states((id) => id)).set(0, { n: 4, u: 0 }));
    for (const { name, entries } of collection.indexes) assert.equal(entries.size, 10, `entries of ${name}`);
  });

  for (const seed of SEEDS) {
    it(`agrees with a model through random transactions (COMMIT_SEED=${seed})`, async () => {
      await new CommitModel(new SlowEngine(), seed).run(1_500);
    });
  }
});
