import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomSource } from "../bson/random.fixture.ts";
import { TimeSlice } from "../pacing/time-slice.ts";
import { DocumentRecord } from "./document-record.ts";
import { EntryCursor } from "./entry-cursor.ts";
import { EVERY_KEY, HIGHEST_KEY, type KeyInterval, OrderedEntries } from "./ordered-entries.ts";

interface Entry {
  readonly key: string;
  readonly record: DocumentRecord;
}

const SEED = Date.now() % 1_000_000;
const random = randomSource(SEED);
const roll = (sides: number): number => Math.floor(random() * sides);
const inOrder = (a: Entry, b: Entry) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.record.id - b.record.id);
const named = ({ key, record }: Entry) => `${key}#${record.id}`;

function walk(entries: OrderedEntries, interval: KeyInterval, isBackwards = false): string[] {
  const cursor = new EntryCursor(entries, interval, isBackwards);
  const seen: string[] = [];
  while (cursor.next()) seen.push(named({ key: cursor.key, record: cursor.record! }));
  return seen;
}

describe(`ordered entries (seed ${SEED})`, () => {
  it("agree with a sorted list through random inserts and removals", () => {
    const entries = new OrderedEntries();
    let model: Entry[] = [];
    for (let step = 0; step < 6_000; step++) {
      if (roll(3) > 0 || model.length === 0) {
        const entry = { key: `k${roll(400)}`, record: new DocumentRecord(step) };
        entries.add(entry.key, entry.record);
        model.push(entry);
      } else {
        const [gone] = model.splice(roll(model.length), 1);
        entries.remove(gone!.key, gone!.record);
      }
    }
    model = model.sort(inOrder);
    assert.equal(entries.size, model.length);
    assert.deepEqual(walk(entries, EVERY_KEY), model.map(named));
    assert.deepEqual(walk(entries, EVERY_KEY, true), model.map(named).reverse());
    for (let query = 0; query < 200; query++) {
      const [low, high] = [`k${roll(400)}`, `k${roll(400)}`].sort() as [string, string];
      const inside = model.filter(({ key }) => key >= low && key < high);
      assert.deepEqual(walk(entries, { low, high }), inside.map(named));
      assert.deepEqual(walk(entries, { low, high }, true), inside.map(named).reverse());
    }
  });

  it("ignore a duplicate insert and the removal of a missing entry", () => {
    const entries = new OrderedEntries();
    const record = new DocumentRecord(1);
    entries.add("a", record);
    entries.add("a", record);
    entries.remove("b", record);
    entries.remove("a", new DocumentRecord(2));
    assert.deepEqual(walk(entries, EVERY_KEY), ["a#1"]);
    entries.remove("a", record);
    assert.deepEqual([entries.size, walk(entries, EVERY_KEY)], [0, []]);
  });

  it("load sorted entries and accept further ones", async () => {
    const entries = new OrderedEntries();
    const records = Array.from({ length: 1_000 }, (_, id) => new DocumentRecord(id));
    const key = (id: number) => String(id).padStart(4, "0");
    await entries.load(
      records.map((record) => ({ key: key(record.id * 2), record })),
      new TimeSlice(),
    );
    const odd = new DocumentRecord(5_000);
    entries.add(key(777), odd);
    assert.deepEqual(walk(entries, { low: key(776), high: key(779) }), ["0776#388", "0777#5000", "0778#389"]);
    assert.equal(entries.size, 1_001);
  });

  it("estimate an interval to within a few leaves", () => {
    const entries = new OrderedEntries();
    for (let id = 0; id < 10_000; id++)
      entries.add(String(roll(1e9)).padStart(9, "0"), new DocumentRecord(id));
    const half = entries.estimate({ low: "5", high: HIGHEST_KEY });
    assert.ok(Math.abs(half - walk(entries, { low: "5", high: HIGHEST_KEY }).length) < 500, String(half));
    assert.equal(entries.estimate({ low: "x", high: "y" }), 0);
  });

  for (const isBackwards of [false, true]) {
    it(`return each entry that stays once while others are added and removed,  ${isBackwards ? "back" : "for"}wards`, () => {
      const entries = new OrderedEntries();
      const stays = Array.from({ length: 500 }, (_, id) => ({
        key: `k${roll(300)}`,
        record: new DocumentRecord(id),
      }));
      for (const { key, record } of stays) entries.add(key, record);
      const passing: Entry[] = [];
      const cursor = new EntryCursor(entries, EVERY_KEY, isBackwards);
      const seen: string[] = [];
      while (cursor.next()) {
        if (cursor.record!.id < stays.length) seen.push(named({ key: cursor.key, record: cursor.record! }));
        const fresh = {
          key: `k${roll(300)}`,
          record: new DocumentRecord(1_000 + seen.length + passing.length),
        };
        if (passing.length < 300) {
          entries.add(fresh.key, fresh.record);
          passing.push(fresh);
        }
        if (roll(2) === 0) {
          const gone = passing[roll(passing.length)]!;
          entries.remove(gone.key, gone.record);
        }
      }
      const expected = stays.sort(inOrder).map(named);
      assert.deepEqual(seen, isBackwards ? expected.reverse() : expected);
    });
  }
});
