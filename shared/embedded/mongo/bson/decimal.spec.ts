import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON } from "mongodb";
import {
  addNumbers,
  divideNumbers,
  multiplyNumbers,
  overflowed,
  remainderOf,
  subtractNumbers,
} from "./arithmetic.ts";
import { type Decimal128, decimalOf, parseDecimal, partsOf } from "./decimal.ts";
import { roundParts } from "./decimal-arithmetic.ts";
import type { BsonNumber } from "./number.ts";
import { bsonOf } from "./official.fixture.ts";
import { randomSource } from "./random.fixture.ts";
import { BsonDouble } from "./values.ts";

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
const decimal = (text: string): Decimal128 => decimalOf(parseDecimal(text)!);

function randomNumeral(next: () => number): string {
  const digits = Array.from({ length: 1 + Math.floor(next() * 34) }, () => Math.floor(next() * 10)).join("");
  const point = Math.floor(next() * digits.length);
  const plain = next() < 0.5 ? digits : `${digits.slice(0, point) || "0"}.${digits.slice(point)}`;
  const power = next() < 0.5 ? "" : `E${Math.floor(next() * 200) - 100}`;
  return `${next() < 0.5 ? "-" : ""}${plain}${power}`;
}

test("decimals are read, stored and printed as the official library does", (t) => {
  t.diagnostic(`seed ${seed}`);
  const next = randomSource(seed);
  for (let i = 0; i < 3_000; i++) {
    const numeral = randomNumeral(next);
    const official = BSON.Decimal128.fromString(numeral);
    assert.deepEqual(bsonOf(official), decimal(numeral), numeral);
    assert.equal(decimal(numeral).toString(), official.toString(), numeral);
  }
});

test("limits and special values", () => {
  const texts: readonly (readonly [string, string])[] = [
    ["NaN", "NaN"],
    ["-Infinity", "-Infinity"],
    ["inf", "Infinity"],
    ["-0", "-0"],
    ["0E+10000", "0E+6111"],
    ["1E+6144", "1.000000000000000000000000000000000E+6144"],
    ["1E+6145", "Infinity"],
    ["1E-6176", "1E-6176"],
    ["1E-6177", "0E-6176"],
    ["12345678901234567890123456789012345", "1.234567890123456789012345678901234E+34"],
    ["12345678901234567890123456789012355", "1.234567890123456789012345678901236E+34"],
  ];
  for (const [text, printed] of texts) assert.equal(decimal(text).toString(), printed, text);
  assert.equal(parseDecimal("1.2.3"), null);
  assert.equal(parseDecimal(""), null);
  assert.equal(parseDecimal("0x1"), null);
});

test("arithmetic gives the wider type, and more bits where they are needed", () => {
  const cases: readonly (readonly [BsonNumber, BsonNumber])[] = [
    [addNumbers(1, 2), 3],
    [addNumbers(2147483647, 1), 2147483648n],
    [addNumbers(1, 2n), 3n],
    [addNumbers(9223372036854775807n, 1), new BsonDouble(2 ** 63)],
    [addNumbers(1, new BsonDouble(2)), new BsonDouble(3)],
    [subtractNumbers(-2147483648, 1), -2147483649n],
    [multiplyNumbers(-1, 0), 0],
    [multiplyNumbers(2147483647, 2147483647), 4611686014132420609n],
    [multiplyNumbers(3037000500n, 3037000500n), new BsonDouble(9223372037000250000)],
    [divideNumbers(1, 2), 0.5],
    [divideNumbers(4, 2), new BsonDouble(2)],
    [remainderOf(-7, 3), -1],
    [remainderOf(7n, 4), 3n],
    [addNumbers(decimal("0.1"), 1), decimal("1.1")],
    [addNumbers(decimal("1E+40"), decimal("1")), decimal("1.000000000000000000000000000000000E+40")],
    [subtractNumbers(decimal("1"), decimal("0.9")), decimal("0.1")],
    [multiplyNumbers(decimal("1.5"), decimal("2")), decimal("3.0")],
    [divideNumbers(decimal("1"), 8), decimal("0.125")],
    [divideNumbers(decimal("2"), 3), decimal("0.6666666666666666666666666666666667")],
    [divideNumbers(decimal("1"), decimal("0")), decimal("Infinity")],
    [remainderOf(decimal("-7.5"), 2), decimal("-1.5")],
    [addNumbers(decimal("Infinity"), decimal("-Infinity")), decimal("NaN")],
  ];
  cases.forEach(([actual, expected], index) => {
    assert.deepEqual(actual, expected, `case ${index}`);
  });
  assert.equal(overflowed(9223372036854775807n, 1, addNumbers(9223372036854775807n, 1)), true);
  assert.equal(overflowed(1, new BsonDouble(1), new BsonDouble(2)), false);
});

test("rounding to places, half to even and in each direction", () => {
  const round = (text: string, places: number, how: Parameters<typeof roundParts>[2]) =>
    decimalOf(roundParts(partsOf(decimal(text)), places, how)).toString();
  assert.equal(round("2.5", 0, "half-even"), "2");
  assert.equal(round("3.5", 0, "half-even"), "4");
  assert.equal(round("-2.51", 1, "floor"), "-2.6");
  assert.equal(round("2.41", 1, "ceiling"), "2.5");
  assert.equal(round("-2.49", 1, "truncate"), "-2.4");
  assert.equal(round("1250", -2, "half-even"), "1.2E+3");
});
