import { rankOf } from "./compare.ts";
import { Decimal128, type DecimalParts, partsOf } from "./decimal.ts";
import { type BsonNumber, compareParts, exactParts, toDecimalParts, toDouble } from "./number.ts";
import {
  Binary,
  type BsonDate,
  type BsonDocument,
  BsonSymbol,
  type BsonValue,
  Code,
  CodeWithScope,
  DbPointer,
  type ObjectId,
  Regex,
  Timestamp,
} from "./values.ts";

let target: Buffer = Buffer.allocUnsafeSlow(4096);
let position = 0;

const doubleView = new DataView(new ArrayBuffer(8));

function reserve(count: number): void {
  if (position + count <= target.length) return;
  const grown = Buffer.allocUnsafeSlow(Math.max(target.length * 2, position + count));
  target.copy(grown, 0, 0, position);
  target = grown;
}

/** Behind the end of a string: below every byte that can follow inside it (a zero byte is written `00 FF`). */
function putEnd(): void {
  reserve(2);
  target[position++] = 0;
  target[position++] = 1;
}

function putText(text: string): void {
  reserve(text.length * 3 + 2);
  const start = position;
  let at = start;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0 || unit > 127) {
      putRareText(text, start);
      return;
    }
    target[at++] = unit;
  }
  position = at;
  putEnd();
}

function putRareText(text: string, start: number): void {
  position = start;
  text.split("\0").forEach((part, index) => {
    reserve(part.length * 3 + 2);
    if (index > 0) {
      target[position++] = 0;
      target[position++] = 0xff;
    }
    position += target.write(part, position, "utf8");
  });
  putEnd();
}

function putDoubleBits(value: number): void {
  doubleView.setFloat64(0, value === 0 ? 0 : value);
  let high = doubleView.getUint32(0);
  let low = doubleView.getUint32(4);
  if (high >>> 31) {
    high = ~high;
    low = ~low;
  } else high ^= 0x80000000;
  put4(high);
  put4(low);
}

function put4(value: number): void {
  const at = position;
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  position = at + 4;
}

const EXACT = 1;
const INEXACT = 2;

/**
 * A number is its nearest double not above it in magnitude, then a mark: exact, or followed by all digits. So equal
 * values of different types have one key, and int64 and decimal values between two doubles keep their order.
 */
function putNumber(value: BsonNumber): void {
  reserve(16);
  if (typeof value === "number") putExact(value);
  else if (typeof value === "bigint") putInt64(value);
  else if (value instanceof Decimal128) putDecimal(value);
  else putExact(value.value);
}

function putInt64(value: bigint): void {
  const near = Number(value);
  if (BigInt(near) === value) putExact(near);
  else putDigits(toDecimalParts(value), near);
}

function putExact(value: number): void {
  if (Number.isNaN(value)) {
    // Below every other number, -Infinity included.
    put4(0);
    put4(0);
  } else putDoubleBits(value);
  target[position++] = EXACT;
}

function putDecimal(value: Decimal128): void {
  const parts = partsOf(value);
  const near = toDouble(value);
  const exact =
    parts.kind !== "finite" || (Number.isFinite(near) && compareParts(parts, exactParts(near)) === 0);
  if (exact) putExact(near);
  else putDigits(parts, near);
}

const bitsView = new BigInt64Array(1);
const bitsDouble = new Float64Array(bitsView.buffer);

/** The neighbouring double closer to zero. */
function towardZero(value: number): number {
  bitsDouble[0] = value;
  bitsView[0]! -= 1n;
  return bitsDouble[0];
}

function putDigits(parts: DecimalParts, near: number): void {
  const overshoots =
    !Number.isFinite(near) ||
    compareParts({ ...exactParts(near), negative: false }, { ...parts, negative: false }) > 0;
  const floor = overshoots ? towardZero(near) : near;
  putDoubleBits(floor);
  const digits = parts.coefficient.toString();
  const exponent = parts.exponent + digits.length + 0x4000;
  reserve(digits.length + 8);
  const start = position;
  target[position++] = INEXACT;
  target[position++] = exponent >> 8;
  target[position++] = exponent;
  position += target.write(digits.replace(/0+$/, ""), position, "latin1");
  target[position++] = 0;
  if (!parts.negative) return;
  // Of two negative numbers with the same floor the one of larger magnitude is smaller: and below the exact one.
  for (let i = start; i < position; i++) target[i] = ~target[i]!;
  target[start] = 0;
}

function putObjectId(id: ObjectId): void {
  reserve(12);
  for (const half of [id.high, id.low]) {
    const upper = Math.floor(half / 65536);
    put4(upper);
    target[position++] = (half % 65536) >> 8;
    target[position++] = half % 256;
  }
}

function putDate(ms: number | bigint): void {
  reserve(8);
  if (typeof ms === "number") {
    const high = Math.floor(ms / 4294967296);
    put4(high ^ 0x80000000);
    put4(ms - high * 4294967296);
  } else put8(ms + (1n << 63n));
}

function put8(value: bigint): void {
  reserve(8);
  put4(Number(value >> 32n));
  put4(Number(value & 0xffffffffn));
}

function putBinary(value: Binary): void {
  reserve(5 + value.bytes.length);
  put4(value.bytes.length);
  target[position++] = value.subtype;
  target.set(value.bytes, position);
  position += value.bytes.length;
}

function putDocument(doc: BsonDocument): void {
  for (const [name, value] of doc) {
    putTag(value);
    putText(name);
    putPayload(value);
  }
  reserve(1);
  target[position++] = 0;
}

function putArray(items: readonly BsonValue[]): void {
  for (const item of items) {
    putTag(item);
    putPayload(item);
  }
  reserve(1);
  target[position++] = 0;
}

function putTag(value: BsonValue): void {
  reserve(1);
  target[position++] = rankOf(value);
}

function putPayload(value: BsonValue): void {
  switch (rankOf(value)) {
    case 10:
      putNumber(value as BsonNumber);
      break;
    case 15:
      putText(value instanceof BsonSymbol ? value.value : (value as string));
      break;
    case 20:
      putDocument(value as BsonDocument);
      break;
    case 25:
      putArray(value as BsonValue[]);
      break;
    case 35:
      putObjectId(value as ObjectId);
      break;
    case 40:
      reserve(1);
      target[position++] = value ? 2 : 1;
      break;
    case 45:
      putDate((value as BsonDate).ms);
      break;
    default:
      putRarer(value);
  }
}

function putRarer(value: BsonValue): void {
  if (value instanceof Binary) putBinary(value);
  else if (value instanceof Timestamp) put8(value.value);
  else if (value instanceof Regex) {
    putText(value.pattern);
    putText(value.flags);
  } else if (value instanceof DbPointer) {
    reserve(4);
    put4(Buffer.byteLength(value.namespace));
    putText(value.namespace);
    putObjectId(value.id);
  } else if (value instanceof Code) putText(value.code);
  else if (value instanceof CodeWithScope) {
    putText(value.code);
    putDocument(value.scope);
  }
}

/**
 * A key whose order under `<` is the order of the values under `compareValues`, each value in its own direction.
 *
 * One character per byte (so the string takes one byte a character); equal values have equal keys whatever their
 * numeric type. The key of a list's beginning is a prefix of the list's key; no key of a value is the prefix of
 * another's.
 */
export function indexKey(values: readonly BsonValue[], directions: readonly (1 | -1)[]): string {
  position = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const start = position;
    putTag(value);
    putPayload(value);
    if (directions[i] === -1) for (let at = start; at < position; at++) target[at] = ~target[at]!;
  }
  return target.toString("latin1", 0, position);
}
