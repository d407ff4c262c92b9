import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EXEC_STRATEGIES } from "../../../shared/contracts/task-definition.ts";
import { inLanguage } from "../texts/language.ts";
import { choice, datetime, flag, jsonObject, objectId, text, timezone, whole } from "./wire-kinds.ts";
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

const refused = (message: string) => ({ message });
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
      ["", refused(UNPARSABLE)],
      ["3.", refused(UNPARSABLE)],
      ["3.5", refused(UNPARSABLE)],
      ["1__0", refused(UNPARSABLE)],
      ["_1", refused(UNPARSABLE)],
      ["0x10", refused(UNPARSABLE)],
      ["1e3", refused(UNPARSABLE)],
      ["三", refused(UNPARSABLE)],
      ["3.00_0", refused(UNPARSABLE)],
      ["--3", refused(UNPARSABLE)],
      ["1 2", refused(UNPARSABLE)],
      [3.5, refused(FRACTION)],
      [null, refused(INTEGER)],
      [[], refused(INTEGER)],
      [{}, refused(INTEGER)],
      [Number.POSITIVE_INFINITY, refused("Input should be a finite number")],
      ["9".repeat(5000), refused("Unable to parse input string as an integer, exceeded maximum size")],
    ],
  ],
  [
    "whole with bounds",
    whole({ min: 0, max: 10 }),
    [
      [0, 0],
      ["10", 10],
      [-1, refused("Input should be greater than or equal to 0")],
      [11, refused("Input should be less than or equal to 10")],
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
      [" true", refused(UNREADABLE)],
      ["", refused(UNREADABLE)],
      ["2", refused(UNREADABLE)],
      [2, refused(UNREADABLE)],
      [-1, refused(UNREADABLE)],
      [1.5, refused(BOOLEAN)],
      [null, refused(BOOLEAN)],
      [[], refused(BOOLEAN)],
      [{}, refused(BOOLEAN)],
    ],
  ],
  [
    "text",
    text({ min: 1, max: 3 }),
    [
      ["abc", "abc"],
      ["", refused("String should have at least 1 character")],
      ["abcd", refused("String should have at most 3 characters")],
      [1, refused(STRING)],
      [null, refused(STRING)],
      [true, refused(STRING)],
      [[], refused(STRING)],
    ],
  ],
  [
    "choice",
    choice(EXEC_STRATEGIES),
    [
      ["cron", "cron"],
      ["Cron", refused(STRATEGY)],
      [1, refused(STRATEGY)],
      [null, refused(STRATEGY)],
      ["", refused(STRATEGY)],
      [["cron"], refused(STRATEGY)],
    ],
  ],
  [
    "jsonObject",
    jsonObject,
    [
      [{ a: 1 }, { a: 1 }],
      ['{"a": 1}', { a: 1 }],
      ["[]", refused(DICT)],
      ["", refused(DICT)],
      ["{", refused(DICT)],
      ["null", refused(DICT)],
      [[], refused(STRING)],
      [1, refused(STRING)],
      [null, refused(STRING)],
    ],
  ],
  [
    "datetime",
    nullable(datetime),
    [
      ["2026-01-05 08:00:00", "2026-01-05 08:00:00"],
      [{ $date: "2026-01-05T08:00:00.000Z" }, "2026-01-05 08:00:00"],
      [null, null],
      ["2026-01-05", refused(DATETIME)],
      [5, refused(DATETIME)],
      [true, refused(DATETIME)],
      [{}, refused(DATETIME)],
      [[], refused(STRING)],
    ],
  ],
  [
    "objectId",
    objectId,
    [
      ["66f2a1b00a1b2c3d4e5f6070", "66f2a1b00a1b2c3d4e5f6070"],
      ["66F2A1B00A1B2C3D4E5F6070", "66f2a1b00a1b2c3d4e5f6070"],
      ["", refused(ID)],
      ["66f2a1b00a1b2c3d4e5f607", refused(ID)],
      ["66f2a1b00a1b2c3d4e5f607g", refused(ID)],
      [66, refused(ID)],
    ],
  ],
  [
    "timezone",
    timezone,
    [
      ["Asia/Shanghai", "Asia/Shanghai"],
      ["UTC", "UTC"],
      ["Mars/Olympus", refused(ZONE)],
      ["", refused(ZONE)],
      [8, refused(STRING)],
      ["A".repeat(65), refused("String should have at most 64 characters")],
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
