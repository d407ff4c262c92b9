import type { JsonSchema } from "../../shared/contracts/json-schema.ts";

/** A source of choices that the same seed repeats. */
export class Choices {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  /** A whole number from 0 to below `limit` (mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }
  of<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
  percent(chance: number): boolean {
    return this.below(100) < chance;
  }
}

const TEXTS = [
  "",
  " ",
  "a",
  "null",
  "-1",
  "1e400",
  "0x10",
  "9007199254740993",
  "2026-02-30 25:61:61",
  "2026-01-05 16:00:00",
  "* * * * * *",
  "0 0 0 31 2 ?",
  "constructor",
  "__proto__",
  "$where",
  "a.b.c",
  "desc",
  "create_datetime",
  "66f2a1b00a1b2c3d4e5f6070",
  "' OR 1=1 --",
  "../../etc/passwd",
  "<script>",
  "\u0000",
  "\ud800",
  "😀",
  "\r\nX-Injected: 1",
  "(a+)+$",
  "x".repeat(300),
  "x".repeat(70_000),
];
const NUMBERS = [0, 1, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 5e-324];
const OTHERS = [
  null,
  true,
  false,
  [],
  {},
  [[]],
  { $gt: "" },
  { $date: "2026-01-05T16:00:00.0Z" },
  { _bsontype: "ObjectId" },
];

/** Returns any JSON value. */
export function anyValue(choices: Choices): unknown {
  return choices.of([() => choices.of(TEXTS), () => choices.of(NUMBERS), () => choices.of(OTHERS)])();
}

/** Returns a value that a schema accepts most of the time, and any other value for `chance` percent of all values. */
export function valueFor(schema: JsonSchema, choices: Choices, chance = 15): unknown {
  if (choices.percent(chance)) return anyValue(choices);
  const { type, enum: values, properties, items, examples, minimum } = schema;
  if (Array.isArray(examples)) return choices.of(examples);
  if (Array.isArray(values)) return choices.of(values);
  switch (Array.isArray(type) ? choices.of(type) : type) {
    case "string":
      return choices.of(TEXTS);
    case "integer":
    case "number":
      return (typeof minimum === "number" ? minimum : 0) + choices.below(20);
    case "boolean":
      return choices.percent(50);
    case "array":
      return Array.from({ length: choices.below(4) }, () => valueFor((items ?? {}) as JsonSchema, choices));
    case "object":
      return objectFor((properties ?? {}) as Record<string, JsonSchema>, choices);
    case "null":
      return null;
    default:
      return anyValue(choices);
  }
}

function objectFor(
  properties: Readonly<Record<string, JsonSchema>>,
  choices: Choices,
): Record<string, unknown> {
  const entries = Object.entries(properties)
    .filter(() => choices.percent(85))
    .map(([name, schema]) => [name, valueFor(schema, choices)]);
  return Object.fromEntries(
    choices.percent(10) ? [...entries, [choices.of(TEXTS), anyValue(choices)]] : entries,
  );
}
