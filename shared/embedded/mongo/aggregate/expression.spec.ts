import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { bsonOf, canonical, docOf } from "../bson/official.fixture.ts";
import { BsonDate } from "../bson/values.ts";
import { commandScope, compileExpression } from "./expression.ts";

const { Decimal128, Double, Long, ObjectId, Timestamp } = BSON;
const now = new Date("2024-05-31T12:34:56.789Z");
const doc = {
  _id: 1,
  n: 5,
  d: new Double(2),
  l: new Long(7n),
  s: "Héllo",
  at: now,
  a: [3, 1, 2],
  o: { x: 1, y: { z: 2 } },
  list: [{ x: 1 }, { x: 2 }, 3, [{ x: 4 }]],
  nil: null,
};

const scope = () => commandScope({ letVariables: docOf({ v: 10 }), now: new BsonDate(now.getTime()) });
const evaluate = (expression: unknown): string => {
  const value = compileExpression(bsonOf(expression), scope())(docOf(doc));
  return value === undefined ? "missing" : canonical(new Map([["value", value]]));
};
const MISSING = Symbol("missing");
const date = (text: string): Date => new Date(text);
const dec = (text: string) => Decimal128.fromString(text);

const cases: readonly (readonly [unknown, unknown])[] = [
  ["$n", 5],
  ["$o.y.z", 2],
  ["$list.x", [1, 2]],
  ["$nothing.x", MISSING],
  ["$$ROOT.n", 5],
  ["$$v", 10],
  ["$$NOW", now],
  [{ a: "$n", b: "$nothing" }, { a: 5 }],
  [
    ["$n", "$nothing"],
    [5, null],
  ],
  [{ $literal: "$n" }, "$n"],
  [{ $add: ["$n", 1] }, 6],
  [{ $add: [2147483647, 1] }, Long.fromNumber(2147483648)],
  [{ $add: [Long.MAX_VALUE, 1] }, new Double(2 ** 63)],
  [{ $add: ["$n", "$d"] }, new Double(7)],
  [{ $add: [dec("0.1"), 0.2] }, dec("0.300000000000000")],
  [{ $add: ["$at", 1000] }, date("2024-05-31T12:34:57.789Z")],
  [{ $add: ["$n", null] }, null],
  [{ $subtract: ["$at", date("2024-05-31T12:34:56.000Z")] }, Long.fromNumber(789)],
  [{ $subtract: [1, "$nothing"] }, null],
  [{ $multiply: ["$n", 2, 0.5] }, new Double(5)],
  [{ $divide: [7, 2] }, 3.5],
  [{ $divide: [6, 2] }, new Double(3)],
  [{ $divide: [dec("1"), dec("3")] }, dec("0.3333333333333333333333333333333333")],
  [{ $mod: [-7, 3] }, -1],
  [{ $mod: [7.5, 2] }, 1.5],
  [{ $abs: -5 }, 5],
  [{ $ceil: 1.2 }, new Double(2)],
  [{ $floor: -1.2 }, new Double(-2)],
  [{ $round: [2.5] }, new Double(2)],
  [{ $round: [1.005, 2] }, new Double(1)],
  [{ $round: [1234, -2] }, 1200],
  [{ $trunc: [-2.7] }, new Double(-2)],
  [{ $pow: [2, 10] }, 1024],
  [{ $pow: [2, 40] }, Long.fromNumber(2 ** 40)],
  [{ $sqrt: 9 }, new Double(3)],
  [{ $bitXor: [5, 1] }, 4],
  [{ $eq: ["$n", new Double(5)] }, true],
  [{ $gt: ["$s", 5] }, true],
  [{ $lt: ["$nothing", null] }, true],
  [{ $cmp: [1, 2] }, -1],
  [{ $and: [1, "x", []] }, true],
  [{ $or: [0, null, "$nothing"] }, false],
  [{ $not: [false] }, true],
  [{ $cond: [{ $gt: ["$n", 3] }, "big", "small"] }, "big"],
  // biome-ignore lint/suspicious/noThenProperty: the name of an argument of the operator
  [{ $cond: { if: "$nothing", then: 1, else: "$$REMOVE" } }, MISSING],
  [{ $ifNull: ["$nothing", "$nil", 3] }, 3],
  // biome-ignore lint/suspicious/noThenProperty: the name of an argument of the operator
  [{ $switch: { branches: [{ case: { $eq: ["$n", 5] }, then: "five" }], default: "other" } }, "five"],
  [{ $concat: ["a", "$s"] }, "aHéllo"],
  [{ $concat: ["a", null] }, null],
  [{ $toUpper: "$s" }, "HéLLO"],
  [{ $substrBytes: ["$s", 0, 3] }, "Hé"],
  [{ $substrCP: ["$s", 1, 2] }, "él"],
  [{ $strLenBytes: "$s" }, 6],
  [{ $strLenCP: "$s" }, 5],
  [{ $indexOfCP: ["$s", "l"] }, 2],
  [{ $indexOfBytes: ["$s", "l"] }, 3],
  [{ $split: ["a-b-c", "-"] }, ["a", "b", "c"]],
  [{ $trim: { input: "  x \n" } }, "x"],
  [{ $ltrim: { input: "xxabx", chars: "x" } }, "abx"],
  [{ $strcasecmp: ["ABC", "abd"] }, -1],
  [{ $replaceAll: { input: "aXbX", find: "X", replacement: { $literal: "$&" } } }, "a$&b$&"],
  [{ $regexMatch: { input: "$s", regex: /LLO/i } }, true],
  [{ $regexFind: { input: "xab1", regex: "([a-z])(\\d)" } }, { match: "b1", idx: 2, captures: ["b", "1"] }],
  [
    { $regexFindAll: { input: "a1b2", regex: "\\d" } },
    [
      { match: "1", idx: 1, captures: [] },
      { match: "2", idx: 3, captures: [] },
    ],
  ],
  [{ $arrayElemAt: ["$a", -1] }, 2],
  [{ $arrayElemAt: ["$a", 9] }, MISSING],
  [{ $first: "$a" }, 3],
  [{ $concatArrays: ["$a", [9]] }, [3, 1, 2, 9]],
  [{ $in: [new Double(1), "$a"] }, true],
  [{ $indexOfArray: ["$a", 2] }, 2],
  [{ $size: "$a" }, 3],
  [{ $slice: ["$a", -2] }, [1, 2]],
  [{ $slice: ["$a", 1, 1] }, [1]],
  [{ $reverseArray: "$a" }, [2, 1, 3]],
  [{ $range: [0, 10, 3] }, [0, 3, 6, 9]],
  [
    { $zip: { inputs: [[1, 2], ["a"]], useLongestLength: true, defaults: [0, "z"] } },
    [
      [1, "a"],
      [2, "z"],
    ],
  ],
  [
    {
      $arrayToObject: [
        [
          ["a", 1],
          ["b", 2],
        ],
      ],
    },
    { a: 1, b: 2 },
  ],
  [{ $objectToArray: "$o.y" }, [{ k: "z", v: 2 }]],
  [{ $sortArray: { input: "$a", sortBy: -1 } }, [3, 2, 1]],
  [{ $map: { input: "$a", as: "e", in: { $multiply: ["$$e", "$n"] } } }, [15, 5, 10]],
  [{ $filter: { input: "$a", cond: { $gt: ["$$this", 1] }, limit: 1 } }, [3]],
  [
    { $reduce: { input: "$a", initialValue: "", in: { $concat: ["$$value", { $toString: "$$this" }] } } },
    "312",
  ],
  [{ $let: { vars: { x: 1, v: 2 }, in: { $add: ["$$x", "$$v"] } } }, 3],
  [
    {
      $setUnion: [
        [2, 1],
        [1, new Double(2), 3],
      ],
    },
    [1, 2, 3],
  ],
  [{ $setDifference: ["$a", [1]] }, [3, 2]],
  [{ $setEquals: [[1, 1], [1]] }, true],
  [{ $setIsSubset: [[1], "$a"] }, true],
  [{ $anyElementTrue: [[0, null]] }, false],
  [{ $minN: { input: "$a", n: 2 } }, [1, 2]],
  [{ $sum: "$a" }, 6],
  [{ $avg: ["$n", "$d"] }, 3.5],
  [{ $max: ["$n", "x", null] }, "x"],
  [{ $mergeObjects: ["$o", { x: 9, w: 1 }] }, { x: 9, y: { z: 2 }, w: 1 }],
  [{ $getField: { field: { $literal: "$odd" }, input: { $literal: { $odd: 1 } } } }, 1],
  [{ $setField: { field: "a.b", input: {}, value: 1 } }, { "a.b": 1 }],
  [{ $unsetField: { field: "x", input: "$o" } }, { y: { z: 2 } }],
  [{ $type: "$nothing" }, "missing"],
  [{ $type: "$l" }, "long"],
  [{ $isNumber: "$d" }, true],
  [{ $year: "$at" }, 2024],
  [{ $dayOfWeek: "$at" }, 6],
  [{ $week: "$at" }, 21],
  [{ $isoWeek: "$at" }, 22],
  [{ $hour: { date: "$at", timezone: "Asia/Shanghai" } }, 20],
  [
    { $dateToString: { date: "$at", format: "%Y-%m-%d %H:%M:%S %j", timezone: "+02:00" } },
    "2024-05-31 14:34:56 152",
  ],
  [{ $dateToString: { date: "$at" } }, "2024-05-31T12:34:56.789Z"],
  [{ $dateToString: { date: null, onNull: "never" } }, "never"],
  [
    { $dateFromString: { dateString: "2024-05-31 08:00:00", timezone: "Asia/Shanghai" } },
    date("2024-05-31T00:00:00Z"),
  ],
  [{ $dateFromString: { dateString: "31.05.2024", format: "%d.%m.%Y" } }, date("2024-05-31T00:00:00Z")],
  [{ $dateFromString: { dateString: "soon", onError: 0 } }, 0],
  [{ $dateFromParts: { year: 2024, month: 14, day: 1 } }, date("2025-02-01T00:00:00Z")],
  [
    { $dateToParts: { date: "$at" } },
    { year: 2024, month: 5, day: 31, hour: 12, minute: 34, second: 56, millisecond: 789 },
  ],
  [{ $dateAdd: { startDate: "$at", unit: "month", amount: 1 } }, date("2024-06-30T12:34:56.789Z")],
  [{ $dateSubtract: { startDate: "$at", unit: "day", amount: 31 } }, date("2024-04-30T12:34:56.789Z")],
  [{ $dateDiff: { startDate: date("2023-12-31T23:00:00Z"), endDate: "$at", unit: "year" } }, Long.ONE],
  [{ $dateDiff: { startDate: date("2024-05-31T11:59:59Z"), endDate: "$at", unit: "hour" } }, Long.ONE],
  [{ $dateTrunc: { date: "$at", unit: "month" } }, date("2024-05-01T00:00:00Z")],
  [{ $dateTrunc: { date: "$at", unit: "week" } }, date("2024-05-26T00:00:00Z")],
  [{ $dateTrunc: { date: "$at", unit: "minute", binSize: 15 } }, date("2024-05-31T12:30:00Z")],
  [{ $dateTrunc: { date: "$at", unit: "day", timezone: "Asia/Shanghai" } }, date("2024-05-30T16:00:00Z")],
  [{ $toInt: "12" }, 12],
  [{ $toInt: 3.9 }, 3],
  [{ $toLong: "$at" }, Long.fromNumber(now.getTime())],
  [{ $toDouble: "1.5" }, 1.5],
  [{ $toDecimal: 2.5 }, dec("2.50000000000000")],
  [{ $toString: new Double(5) }, "5"],
  [{ $toString: "$at" }, "2024-05-31T12:34:56.789Z"],
  [{ $toBool: "" }, true],
  [{ $toDate: Long.ZERO }, date("1970-01-01T00:00:00Z")],
  [{ $toDate: new ObjectId("000000010000000000000000") }, date("1970-01-01T00:00:01Z")],
  [{ $toObjectId: "65f0c0ffee0123456789abcd" }, new ObjectId("65f0c0ffee0123456789abcd")],
  [{ $convert: { input: "x", to: "int", onError: -1 } }, -1],
  [{ $tsSecond: new Timestamp({ t: 9, i: 1 }) }, Long.fromNumber(9)],
];

test("expressions give the server's values in the server's types", () => {
  for (const [expression, expected] of cases) {
    const wanted = expected === MISSING ? "missing" : canonical(docOf({ value: expected }));
    assert.equal(evaluate(expression), wanted, BSON.EJSON.stringify(expression as Document));
  }
});

test("what is wrong in an expression has the server's code", () => {
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
