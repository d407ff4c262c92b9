import assert from "node:assert/strict";
import { test } from "node:test";
import { compareValues } from "./compare.ts";
import { decimalOf, parseDecimal } from "./decimal.ts";
import { encodeDocument } from "./encode.ts";
import { addToKey, beginKey, finishKey, indexKey } from "./key.ts";
import { RandomValues } from "./random.fixture.ts";
import { findField } from "./raw.ts";
import {
  Binary,
  BsonDate,
  BsonDouble,
  BsonSymbol,
  type BsonValue,
  Code,
  MAX_KEY,
  MIN_KEY,
  ObjectId,
  Regex,
  Timestamp,
  UNDEFINED,
} from "./values.ts";

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const decimal = (text: string): BsonValue => decimalOf(parseDecimal(text)!);

const ascending: readonly BsonValue[] = [
  MIN_KEY,
  UNDEFINED,
  null,
  Number.NaN,
  -Infinity,
  decimal("-1E+400"),
  -9223372036854775808n,
  -9007199254740993n,
  new BsonDouble(-9007199254740992),
  -1,
  decimal("-0.1000000000000000055511151231257828"),
  decimal("-0.1"),
  decimal("-1E-6000"),
  0,
  decimal("1E-6000"),
  decimal("0.1"),
  0.1,
  1,
  1.5,
  new BsonDouble(9007199254740992),
  9007199254740993n,
  decimal("9007199254740993.5"),
  new BsonDouble(9007199254740994),
  9223372036854775807n,
  new BsonDouble(2 ** 63),
  decimal("1E+400"),
  Infinity,
  "",
  "A",
  "a",
  "a\0",
  "ab",
  new BsonSymbol("b"),
  "\ue000",
  "\u{10000}",
  new Map(),
  new Map([["a", 1]]),
  new Map([
    ["a", 1],
    ["b", 1],
  ]),
  new Map([["b", 0]]),
  new Map([["a", "x"]]),
  [],
  [null],
  [1],
  [1, 2],
  [2],
  new Binary(Uint8Array.of(9)),
  new Binary(Uint8Array.of(0, 0)),
  new Binary(Uint8Array.of(0, 0), 4),
  new ObjectId(1, 0),
  new ObjectId(1, 1),
  false,
  true,
  new BsonDate(-(2n ** 62n)),
  new BsonDate(-1),
  new BsonDate(0),
  new BsonDate(2n ** 62n),
  new Timestamp(1n),
  new Timestamp(2n ** 63n),
  new Regex("a"),
  new Regex("a", "i"),
  new Code("a"),
  MAX_KEY,
];

test("the order across and within types", () => {
  for (let i = 0; i < ascending.length; i++) {
    for (let j = 0; j < ascending.length; j++) {
      const [a, b] = [ascending[i]!, ascending[j]!];
      assert.equal(Math.sign(compareValues(a, b)), Math.sign(i - j), `${i} ${j}`);
      const keys = [indexKey([a], [1]), indexKey([b], [1])] as const;
      assert.equal(keys[0] < keys[1], i < j, `key ${i} ${j}`);
    }
  }
});

test("equal numbers of different types have one key", () => {
  const ones: BsonValue[] = [1, 1n, new BsonDouble(1), decimal("1"), decimal("1.00"), decimal("10E-1")];
  assert.equal(new Set(ones.map((one) => indexKey([one], [1]))).size, 1);
  const zeros: BsonValue[] = [0, 0n, new BsonDouble(0), new BsonDouble(-0), decimal("0"), decimal("-0E+10")];
  assert.equal(new Set(zeros.map((zero) => indexKey([zero], [1]))).size, 1);
  const specials: BsonValue[] = [Number.NaN, decimal("NaN")];
  assert.equal(new Set(specials.map((value) => indexKey([value], [1]))).size, 1);
  const large: BsonValue[] = [9007199254740993n, decimal("9007199254740993"), decimal("9007199254740993.0")];
  assert.equal(new Set(large.map((value) => indexKey([value], [1]))).size, 1);
});

test("the order is total: antisymmetric and transitive over random values of all types", (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = new RandomValues(seed);
  for (let i = 0; i < 20_000; i++) {
    const [a, b, c] = [random.value(), random.value(), random.value()];
    const ab = Math.sign(compareValues(a, b));
    assert.equal(ab + Math.sign(compareValues(b, a)), 0);
    assert.equal(compareValues(a, a), 0);
    if (ab <= 0 && compareValues(b, c) <= 0) assert.ok(compareValues(a, c) <= 0);
  }
});

test("keys order as their values do, in both directions and in lists", (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = new RandomValues(seed + 1);
  for (let i = 0; i < 20_000; i++) {
    const directions = [random.pick([1, -1] as const), random.pick([1, -1] as const)];
    const left = [random.value(1), random.value(1)];
    const right = [random.below(3) === 0 ? left[0]! : random.value(1), random.value(1)];
    const expected =
      directions[0]! * compareValues(left[0]!, right[0]!) ||
      directions[1]! * compareValues(left[1]!, right[1]!);
    const [a, b] = [indexKey(left, directions), indexKey(right, directions)];
    assert.equal(a < b ? -1 : a > b ? 1 : 0, Math.sign(expected) + 0, `${JSON.stringify([a, b])}`);
    assert.ok(a.startsWith(indexKey(left.slice(0, 1), directions)));
  }
});

test("a key made from bytes is the key of the values in them", (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = new RandomValues(seed + 2);
  for (let i = 0; i < 20_000; i++) {
    const values = [random.value(1), random.value(1)];
    const directions = [random.pick([1, -1] as const), random.pick([1, -1] as const)];
    const bytes = encodeDocument(new Map(values.map((value, at) => [`field${at}`, value])));
    beginKey();
    directions.forEach((direction, at) => {
      addToKey(bytes, findField(bytes, `field${at}`), direction);
    });
    assert.equal(finishKey(), indexKey(values, directions));
  }
  beginKey();
  addToKey(encodeDocument(new Map()), undefined, -1);
  assert.equal(finishKey(), indexKey([null], [-1]));
});
