import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { bsonOf, canonical, docOf } from "../bson/official.fixture.ts";
import { BsonDate } from "../bson/values.ts";
import { commandScope, compileExpression } from "./expression.ts";
import { expressionCases, expressionDocument, expressionNow, MISSING } from "./expression-cases.fixture.ts";

const { Decimal128 } = BSON;

const scope = () =>
  commandScope({ letVariables: docOf({ v: 10 }), now: new BsonDate(expressionNow.getTime()) });
const evaluate = (expression: unknown): string => {
  const value = compileExpression(bsonOf(expression), scope())(docOf(expressionDocument));
  return value === undefined ? "missing" : canonical(new Map([["value", value]]));
};
const dec = (text: string) => Decimal128.fromString(text);

test("expressions return the server's values in the server's types", () => {
  for (const [expression, expected] of expressionCases) {
    const wanted = expected === MISSING ? "missing" : canonical(docOf({ value: expected }));
    assert.equal(evaluate(expression), wanted, BSON.EJSON.stringify(expression as Document));
  }
});

test("an invalid expression fails with the server's code", () => {
  const faults: readonly (readonly [unknown, number])[] = [
    [{ $bogus: 1 }, 168],
    ["$$bogus", 17276],
    [{ $subtract: [1] }, 16020],
    [{ $add: ["$s", 1] }, 14],
    [{ $divide: [1, 0] }, 2],
    [{ $mod: [1, 0] }, 16610],
    [{ $size: 5 }, 17124],
    [{ $arrayElemAt: [5, 0] }, 28689],
    [{ $toInt: "x" }, 241],
    [{ $arrayToObject: [[["k", 1], { k: "l", v: 2 }]] }, 40396],
    [{ $arrayToObject: [[{ k: "l", v: 2 }, ["k", 1]]] }, 40391],
    [{ $arrayToObject: [[1]] }, 40398],
    [{ $arrayToObject: [[["k"]]] }, 40397],
    [{ $arrayToObject: [[[1, 1]]] }, 40395],
    [{ $arrayToObject: [[{ k: "l" }]] }, 40392],
    [{ $arrayToObject: [[{ k: "l", w: 1 }]] }, 40393],
    [{ $arrayToObject: [[{ k: 1, v: 1 }]] }, 40394],
    [{ $dateFromString: { dateString: "July 4th, 2017 10:00 XYZ" } }, 241],
    [{ $toObjectId: "x" }, 241],
    [{ $dateToString: { date: "x" } }, 16006],
    [{ $dateToString: { date: "$at", format: "%q" } }, 18536],
    [{ $year: { date: "$at", timezone: "Nowhere/City" } }, 40485],
    [{ a: 1, $add: [] }, 16410],
    [{ $add: [], $subtract: [] }, 15983],
    [{ $cond: [1, 2] }, 16020],
    [{ $switch: { branches: [] } }, 40068],
    [{ $let: { vars: { Bad: 1 }, in: 1 } }, 16867],
    [{ $function: {} }, 115],
    [{ $pow: [dec("2"), 2] }, 115],
  ];
  for (const [expression, code] of faults) {
    assert.throws(() => evaluate(expression), { code }, JSON.stringify(expression));
  }
});
