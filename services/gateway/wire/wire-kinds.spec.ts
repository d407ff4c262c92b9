import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EXEC_STRATEGIES } from "../../../shared/contracts/task-definition.ts";
import { inLanguage } from "../texts/language.ts";
import { choice, datetime, flag, hexId, jsonObject, text, timezone, whole } from "./wire-kinds.ts";
import { Faults, type Kind, nullable } from "./wire-validation.ts";

const INTEGER = "Input should be a valid integer";
const UNPARSABLE = `${INTEGER}, unable to parse string as an integer`;
const FRACTION = `${INTEGER}, got a number with a fractional part`;
const BOOLEAN = "Input should be a valid boolean";
const UNREADABLE = `${BOOLEAN}, unable to interpret input`;
const STRING = "Input should be a valid string";
const STRATEGY = "Input should be 'interval', 'date', 'cron' or 'once'";
const DATETIME = "Value error, 无效的日期时间或字符串数据";
const DICT = "Value error, 无效的 Dict 数据或字符串数据";
const ZONE = "无效的时区，应为 IANA 时区名称，例如 Asia/Shanghai";
const ID = "f 格式错误，应为 24 位十六进制字符";

const rejected = (message: string) => ({ message });
type Row = readonly [value: unknown, result: unknown];

/** Expected texts and coercions of int, bool, str and enum were recorded from pydantic 2. */
const tables: readonly [name: string, kind: Kind<unknown>, rows: readonly Row[]][] = [
  [
    "whole",
    whole({}),
    [
      [3, 3],
      ["3", 3],
      [" 3 ", 3],
      ["\u00a03", 3],
      ["+3", 3],
      ["-3", -3],
      ["3.0", 3],
      ["03", 3],
      ["1_000", 1000],
      ["-0", 0],
      [true, 1],
      ["", rejected(UNPARSABLE)],
      ["3.", rejected(UNPARSABLE)],
      ["3.5", rejected(UNPARSABLE)],
      ["1__0", rejected(UNPARSABLE)],
      ["_1", rejected(UNPARSABLE)],
      ["0x10", rejected(UNPARSABLE)],
      ["1e3", rejected(UNPARSABLE)],
      ["三", rejected(UNPARSABLE)],
      ["3.00_0", rejected(UNPARSABLE)],
      ["--3", rejected(UNPARSABLE)],
      ["1 2", rejected(UNPARSABLE)],
      [3.5, rejected(FRACTION)],
      [null, rejected(INTEGER)],
      [[], rejected(INTEGER)],
      [{}, rejected(INTEGER)],
      [Number.POSITIVE_INFINITY, rejected("Input should be a finite number")],
      ["9".repeat(5000), rejected("Unable to parse input string as an integer, exceeded maximum size")],
    ],
  ],
  [
    "whole with bounds",
    whole({ min: 0, max: 10 }),
    [
      [0, 0],
      ["10", 10],
      [-1, rejected("Input should be greater than or equal to 0")],
      [11, rejected("Input should be less than or equal to 10")],
    ],
  ],
  [
    "flag",
    flag,
    [
      [true, true],
      ["true", true],
      ["TRUE", true],
      ["1", true],
      ["on", true],
      ["t", true],
      ["y", true],
      ["yes", true],
      [1, true],
      ["0", false],
      ["OFF", false],
      ["f", false],
      ["n", false],
      ["no", false],
      [0, false],
      [" true", rejected(UNREADABLE)],
      ["", rejected(UNREADABLE)],
      ["2", rejected(UNREADABLE)],
      [2, rejected(UNREADABLE)],
      [-1, rejected(UNREADABLE)],
      [1.5, rejected(BOOLEAN)],
      [null, rejected(BOOLEAN)],
      [[], rejected(BOOLEAN)],
      [{}, rejected(BOOLEAN)],
    ],
  ],
  [
    "text",
    text({ min: 1, max: 3 }),
    [
      ["abc", "abc"],
      ["", rejected("String should have at least 1 character")],
      ["abcd", rejected("String should have at most 3 characters")],
      [1, rejected(STRING)],
      [null, rejected(STRING)],
      [true, rejected(STRING)],
      [[], rejected(STRING)],
    ],
  ],
  [
    "choice",
    choice(EXEC_STRATEGIES),
    [
      ["cron", "cron"],
      ["Cron", rejected(STRATEGY)],
      [1, rejected(STRATEGY)],
      [null, rejected(STRATEGY)],
      ["", rejected(STRATEGY)],
      [["cron"], rejected(STRATEGY)],
    ],
  ],
  [
    "jsonObject",
    jsonObject,
    [
      [{ a: 1 }, { a: 1 }],
      ['{"a": 1}', { a: 1 }],
      ["[]", rejected(DICT)],
      ["", rejected(DICT)],
      ["{", rejected(DICT)],
      ["null", rejected(DICT)],
      [[], rejected(STRING)],
      [1, rejected(STRING)],
      [null, rejected(STRING)],
    ],
  ],
  [
    "datetime",
    nullable(datetime),
    [
      ["2026-01-05 08:00:00", "2026-01-05 08:00:00"],
      [{ $date: "2026-01-05T08:00:00.000Z" }, "2026-01-05 08:00:00"],
      [null, null],
      ["2026-01-05", rejected(DATETIME)],
      [5, rejected(DATETIME)],
      [true, rejected(DATETIME)],
      [{}, rejected(DATETIME)],
      [[], rejected(STRING)],
    ],
  ],
  [
    "hexId",
    hexId,
    [
      ["66f2a1b00a1b2c3d4e5f6070", "66f2a1b00a1b2c3d4e5f6070"],
      ["66F2A1B00A1B2C3D4E5F6070", "66f2a1b00a1b2c3d4e5f6070"],
      ["", rejected(ID)],
      ["66f2a1b00a1b2c3d4e5f607", rejected(ID)],
      ["66f2a1b00a1b2c3d4e5f607g", rejected(ID)],
      [66, rejected(ID)],
    ],
  ],
  [
    "timezone",
    timezone,
    [
      ["Asia/Shanghai", "Asia/Shanghai"],
      ["UTC", "UTC"],
      ["Mars/Olympus", rejected(ZONE)],
      ["", rejected(ZONE)],
      [8, rejected(STRING)],
      ["A".repeat(65), rejected("String should have at most 64 characters")],
    ],
  ],
];

for (const [name, kind, rows] of tables) {
  describe(name, () => {
    for (const [value, result] of rows) {
      const shown = JSON.stringify(value)?.slice(0, 40);
      it(`reads ${shown}`, () => {
        const read = kind.read(value, "f");
        if (!(read instanceof Faults)) return assert.deepEqual(read, result);
        const [{ field, message, expected } = { field: "", message: "", expected: "" }] = read.errors;
        assert.deepEqual({ message: inLanguage(message, "zh") }, result);
        assert.equal(field, "f");
        assert.notEqual(expected, "");
      });
    }
  });
}
