import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomSource } from "../bson/random.fixture.ts";
import { DocumentRecord } from "./document-record.ts";
import { RecordList } from "./record-list.ts";

const SEED = Date.now() % 1_000_000;
const random = randomSource(SEED);
const roll = (sides: number): number => Math.floor(random() * sides);
const idsOf = (records: Iterable<DocumentRecord>): number[] => [...records].map(({ id }) => id);

function filled(ids: readonly number[]): RecordList {
  const list = new RecordList();
  for (const id of ids) list.add(new DocumentRecord(id));
  return list;
}

describe(`the records of a collection (seed ${SEED})`, () => {
  it("agree with a set through random inserts and removals", () => {
    const list = new RecordList();
    const model = new Set<DocumentRecord>();
    let id = 1;
    for (let step = 0; step < 20_000; step++) {
      if (roll(5) > 1) {
        id += roll(20) === 0 ? 1 + roll(1_000) : 1;
        const record = new DocumentRecord(id);
        list.add(record);
        model.add(record);
      } else {
        const gone = list.get(roll(id + 1));
        if (gone === null) continue;
        list.delete(gone);
        list.delete(gone);
        assert(model.delete(gone));
      }
    }
    assert.equal(list.size, model.size);
    assert.deepEqual(idsOf(list), idsOf(model));
    assert.deepEqual(idsOf(list.backwards()), idsOf(model).reverse());
    assert.equal(list.lastId, idsOf(model).at(-1));
    for (const record of model) assert.equal(list.get(record.id), record);
  });

  it("are visited by an iteration that began before they were added, and not after their removal", () => {
    const list = filled(Array.from({ length: 300 }, (_, i) => i + 1));
    const seen: number[] = [];
    for (const { id } of list) {
      seen.push(id);
      if (id === 10) for (let gone = 5; gone < 290; gone++) list.delete(list.get(gone)!);
      if (id === 299) list.add(new DocumentRecord(1_000));
    }
    assert.deepEqual(seen, [
      ...Array.from({ length: 10 }, (_, i) => i + 1),
      ...Array.from({ length: 11 }, (_, i) => 290 + i),
      1_000,
    ]);
  });

  it("are sorted by id after they were added in another order", () => {
    const list = filled([500, 3, 501, 1, 130, 2, 129]);
    list.sort();
    assert.deepEqual(idsOf(list), [1, 2, 3, 129, 130, 500, 501]);
    assert.equal(list.lastId, 501);
  });

  it("are empty at first", () => {
    assert.deepEqual(
      [idsOf(new RecordList()), new RecordList().lastId, new RecordList().get(1)],
      [[], 0, null],
    );
  });
});
