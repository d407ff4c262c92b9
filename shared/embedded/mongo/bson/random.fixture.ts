import { decimalOf, parseDecimal } from "./decimal.ts";
import {
  Binary,
  BsonDate,
  type BsonDocument,
  BsonSymbol,
  type BsonValue,
  Code,
  CodeWithScope,
  DbPointer,
  doubleOf,
  MAX_KEY,
  MIN_KEY,
  ObjectId,
  Regex,
  Timestamp,
  UNDEFINED,
} from "./values.ts";

/** Random numbers that a printed seed repeats. */
export function randomSource(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const NUMBERS: readonly BsonValue[] = [
  0,
  1,
  -1,
  2,
  5,
  2147483647,
  -2147483648,
  0.1,
  -0.1,
  0.5,
  1.5,
  Number.NaN,
  Infinity,
  -Infinity,
  5e-324,
  -5e-324,
  1.7976931348623157e308,
  doubleOf(-0),
  doubleOf(1),
  doubleOf(5),
  doubleOf(9007199254740992),
  doubleOf(9007199254740994),
  doubleOf(2 ** 63),
  doubleOf(-(2 ** 63)),
  1n,
  5n,
  0n,
  9007199254740991n,
  9007199254740992n,
  9007199254740993n,
  9007199254740994n,
  -9007199254740993n,
  9223372036854775807n,
  9223372036854775806n,
  -9223372036854775808n,
];
const DECIMALS = [
  "0",
  "1",
  "1.0",
  "0.1",
  "-0.1",
  "1E-400",
  "-1E-400",
  "1E+400",
  "-1E+400",
  "9007199254740993",
  "5E-325",
];
const STRINGS = [
  "",
  "a",
  "ab",
  "a\0",
  "a\0b",
  "\0",
  "é",
  "z",
  "\u{1f600}",
  "\uffee",
  "\ue000",
  "日本",
  "A",
  "__proto__",
  "10",
  "2",
];

export class RandomValues {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = randomSource(seed);
  }
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
  number(): BsonValue {
    switch (this.below(4)) {
      case 0:
        return decimal(this.pick(DECIMALS));
      case 1:
        return decimalOf({
          kind: "finite",
          negative: this.below(2) === 0,
          coefficient: BigInt(this.below(1000)),
          exponent: this.below(12) - 6,
        });
      case 2:
        return doubleOf((this.below(2000) - 1000) / this.pick([1, 2, 10, 1000]));
      default:
        return this.pick(NUMBERS);
    }
  }
  objectId(): ObjectId {
    return new ObjectId(this.below(3) * 2 ** 40 + this.below(2), this.below(3) + 2 ** 47);
  }
  scalar(): BsonValue {
    const text = this.pick(STRINGS);
    const safe = text.replaceAll("\0", "");
    return this.pick<() => BsonValue>([
      () => null,
      () => UNDEFINED,
      () => MIN_KEY,
      () => MAX_KEY,
      () => this.below(2) === 0,
      () => this.objectId(),
      () => text,
      () => new BsonSymbol(text),
      () => new BsonDate(this.pick([0, -1, 1, 1e12, -1e15, 2n ** 62n, -(2n ** 62n)])),
      () => new Timestamp(this.pick([0n, 1n, 2n ** 63n, 2n ** 64n - 1n])),
      () =>
        new Binary(
          Uint8Array.from({ length: this.below(4) }, () => this.below(256)),
          this.pick([0, 4, 128]),
        ),
      () => new Regex(safe, this.pick(["", "i", "m"])),
      () => new Code(text),
      () => new CodeWithScope(text, new Map([["x", this.number()]])),
      () => new DbPointer(text, this.objectId()),
    ])();
  }
  document(depth: number): BsonDocument {
    const doc: BsonDocument = new Map();
    for (let i = this.below(4); i > 0; i--)
      doc.set(this.pick(["a", "b", "10", "2", "__proto__", "é"]), this.value(depth - 1));
    return doc;
  }
  value(depth = 2): BsonValue {
    const kind = this.below(depth > 0 ? 10 : 8);
    if (kind < 4) return this.number();
    if (kind < 8) return this.scalar();
    if (kind === 8) return this.document(depth);
    return Array.from({ length: this.below(4) }, () => this.value(depth - 1));
  }
}

const decimal = (text: string): BsonValue => decimalOf(parseDecimal(text)!);
