import { CommandFault } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { Binary, type BsonValue } from "../bson/values.ts";
import type { ValueTest } from "../fields/path.ts";

export type BitOperator = "$bitsAllSet" | "$bitsAnySet" | "$bitsAllClear" | "$bitsAnyClear";

const MIN_INT64 = -(2 ** 63);
const MAX_INT64 = 2 ** 63;

/** Returns a number as 64 bits; undefined if it is not a whole number in that range. */
function whole(value: BsonValue): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (!isNumber(value)) return undefined;
  const number = toDouble(value);
  return Number.isInteger(number) && number >= MIN_INT64 && number < MAX_INT64 ? BigInt(number) : undefined;
}

function binaryPositions(bytes: Uint8Array): number[] {
  const positions: number[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++)
    if (bytes[bit >> 3]! & (1 << (bit & 7))) positions.push(bit);
  return positions;
}

function listedPosition(value: BsonValue, operator: string): number {
  const position = isNumber(value) ? toDouble(value) : Number.NaN;
  if (!Number.isInteger(position)) throw new CommandFault(2, `${operator} bit positions must be integers`);
  if (position < 0) throw new CommandFault(2, `${operator} bit positions must be >= 0`);
  return position;
}

function maskPositions(spec: BsonValue, operator: string): number[] {
  if (Array.isArray(spec)) return spec.map((value) => listedPosition(value, operator));
  if (spec instanceof Binary) return binaryPositions(spec.bytes);
  const mask = whole(spec);
  if (mask === undefined) {
    throw new CommandFault(
      2,
      `${operator} takes an Array, a number, or a BinData but received: ${typeof spec}`,
    );
  }
  if (mask < 0n) throw new CommandFault(9, `Expected a non-negative number in: ${operator}: ${mask}`);
  const positions: number[] = [];
  for (let bit = 0; bit < 64; bit++) if ((mask >> BigInt(bit)) & 1n) positions.push(bit);
  return positions;
}

/**
 * Returns whether a bit is set. Numbers are sign-extended, binary data is extended with zeros. Returns undefined
 * for other values.
 */
function bitReader(value: BsonValue | undefined): ((bit: number) => boolean) | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Binary) return (bit) => ((value.bytes[bit >> 3] ?? 0) & (1 << (bit & 7))) !== 0;
  const bits = whole(value);
  if (bits === undefined) return undefined;
  return (bit) => ((bits >> BigInt(Math.min(bit, 63))) & 1n) === 1n;
}

/** The four bit tests. Their operand is a mask, binary data or a list of positions. */
export function bitsTest(operator: BitOperator, spec: BsonValue): ValueTest {
  const positions = maskPositions(spec, operator);
  const wantsSet = operator === "$bitsAllSet" || operator === "$bitsAnySet";
  const wantsAll = operator === "$bitsAllSet" || operator === "$bitsAllClear";
  return (value) => {
    const isSet = bitReader(value);
    if (!isSet) return false;
    return wantsAll
      ? positions.every((bit) => isSet(bit) === wantsSet)
      : positions.some((bit) => isSet(bit) === wantsSet);
  };
}
