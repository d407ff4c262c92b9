import assert from "node:assert/strict";
import { test } from "node:test";
import { compileCollation } from "../bson/collation.ts";
import { encodeDocument } from "../bson/encode.ts";
import { documentOf } from "../bson/values.ts";
import { TimeSlice } from "../pacing/time-slice.ts";
import { memoryStore } from "../store/memory-store.ts";
import { CollectionIndex } from "./collection-index.ts";
import { Engine } from "./engine.ts";
import { buildIndex, rebuildIndex } from "./index-build.ts";
import { LazyDocument } from "./lazy-document.ts";
import { TextClasses } from "./text-classes.ts";

const collation = (options: object) => compileCollation(documentOf({ locale: "en", ...options }))!;

test("strings have one key if and only if the collation takes them for equal", () => {
  const letters = [
    "a",
    "A",
    "á",
    "b",
    "ß",
    "ss",
    "æ",
    "ae",
    "ﬁ",
    "fi",
    "1",
    "01",
    "-",
    " ",
    "張",
    "\u00ad",
    "\0",
  ];
  const texts = ["", ...letters, ...letters.flatMap((left) => letters.map((right) => left + right))];
  for (const options of [{ strength: 1 }, { strength: 2 }, { strength: 3 }, { numericOrdering: true }]) {
    const order = collation(options);
    const classes = new TextClasses(order);
    const keys = texts.map((text) => classes.keyOf(text));
    for (const [i, left] of texts.entries()) {
      assert.equal(classes.known.keyOf(left), keys[i]);
      for (const [j, right] of texts.entries())
        assert.equal(keys[i] === keys[j], order(left, right) === 0, JSON.stringify([options, left, right]));
    }
  }
});

test("many strings keep their keys, and what has not been stored equals none of them", () => {
  const classes = new TextClasses(collation({ strength: 2 }));
  const names = Array.from({ length: 5_000 }, (_, n) => `User ${(n * 7919) % 5_000}`);
  const keys = names.map((name) => classes.keyOf(name));
  assert.deepEqual(
    names.map((name) => classes.keyOf(name.toUpperCase())),
    keys,
  );
  assert.equal(new Set(keys).size, 5_000);
  assert.equal(classes.size, 5_000);
  assert.equal(classes.known.keyOf("user 5000"), "");
  assert.equal(classes.size, 5_000);
});

test("an index that keeps many strings that are gone is built again", async () => {
  const engine = new Engine(memoryStore());
  const collection = engine.catalog.prepare("app", "items", documentOf({}));
  engine.catalog.add(collection);
  const slice = new TimeSlice();
  const spec = documentOf({ locale: "en", strength: 2 });
  const definition = documentOf({
    v: 2,
    key: documentOf({ s: 1 }),
    name: "s",
    unique: true,
    collation: spec,
  });
  await buildIndex(collection, new CollectionIndex(definition), { slice });
  for (let n = 0; n < 10_010; n++) {
    const transaction = engine.begin({ isPlain: true });
    const bytes = encodeDocument(documentOf({ _id: n, s: `Name ${n}` }));
    const record = collection.insert(transaction, new LazyDocument(bytes));
    if (n >= 2) collection.remove(transaction, record);
    await engine.commit(transaction);
  }
  const wasteful = collection.indexes[1]!;
  assert.equal(wasteful.isWasteful, true);
  await rebuildIndex(collection, wasteful, { slice, isFree: () => false });
  assert.equal(collection.indexes[1], wasteful);
  await rebuildIndex(collection, wasteful, { slice, isFree: () => true });
  const [, fresh, ...none] = collection.indexes;
  assert.deepEqual([fresh!.isWasteful, fresh!.entries.size, none.length], [false, 2, 0]);
  const twin = new LazyDocument(encodeDocument(documentOf({ _id: -1, s: "NAME 1" })));
  assert.throws(() => collection.insert(engine.begin({ isPlain: true }), twin), { code: 11000 });
});
