import { Decimal128, type DecimalParts, partsOf } from "./decimal.ts";
import type { KeyBytes } from "./key-bytes.ts";
import { type BsonNumber, compareParts, exactParts, toDecimalParts, toDouble } from "./number.ts";

const doubleView = new DataView(new ArrayBuffer(8));

function putDoubleBits(out: KeyBytes, value: number): void {
  doubleView.setFloat64(0, value === 0 ? 0 : value);
  let high = doubleView.getUint32(0);
  let low = doubleView.getUint32(4);
  if (high >>> 31) {
    high = ~high;
    low = ~low;
  } else high ^= 0x80000000;
  out.put4(high);
  out.put4(low);
}

const EXACT = 1;
const INEXACT = 2;

/**
 * The key of a number is the nearest double not above it in magnitude, then a mark: exact, or followed by all digits.
 * Equal values of different types have one key, and int64 and decimal values between two doubles keep their order.
 */
export function putNumber(out: KeyBytes, value: BsonNumber): void {
  out.reserve(16);
  if (typeof value === "number") putExact(out, value);
  else if (typeof value === "bigint") putInt64(out, value);
  else if (value instanceof Decimal128) putDecimal(out, value);
  else putExact(out, value.value);
}

function putInt64(out: KeyBytes, value: bigint): void {
  const near = Number(value);
  if (BigInt(near) === value) putExact(out, near);
  else putDigits(out, toDecimalParts(value), near);
}

function putExact(out: KeyBytes, value: number): void {
  if (Number.isNaN(value)) {
    // Below every other number, -Infinity included.
    out.put4(0);
    out.put4(0);
  } else putDoubleBits(out, value);
  out.bytes[out.length++] = EXACT;
}

function putDecimal(out: KeyBytes, value: Decimal128): void {
  const parts = partsOf(value);
  const near = toDouble(value);
  const exact =
    parts.kind !== "finite" || (Number.isFinite(near) && compareParts(parts, exactParts(near)) === 0);
  if (exact) putExact(out, near);
  else putDigits(out, parts, near);
}

const bitsView = new BigInt64Array(1);
const bitsDouble = new Float64Array(bitsView.buffer);

/** The neighbouring double closer to zero. */
function towardZero(value: number): number {
  bitsDouble[0] = value;
  bitsView[0]! -= 1n;
  return bitsDouble[0];
}

function putDigits(out: KeyBytes, parts: DecimalParts, near: number): void {
  const overshoots =
    !Number.isFinite(near) ||
    compareParts({ ...exactParts(near), negative: false }, { ...parts, negative: false }) > 0;
  const floor = overshoots ? towardZero(near) : near;
  putDoubleBits(out, floor);
  const digits = parts.coefficient.toString();
  const exponent = parts.exponent + digits.length + 0x4000;
  out.reserve(digits.length + 8);
  const start = out.length;
  out.bytes[out.length++] = INEXACT;
  out.bytes[out.length++] = exponent >> 8;
  out.bytes[out.length++] = exponent;
  out.length += out.bytes.write(digits.replace(/0+$/, ""), out.length, "latin1");
  out.bytes[out.length++] = 0;
  if (!parts.negative) return;
  // If two negative numbers have the same floor, the one with the larger magnitude is smaller, and less than the exact one.
  out.invert(start);
  out.bytes[start] = 0;
}
