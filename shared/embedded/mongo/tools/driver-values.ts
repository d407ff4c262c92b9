import {
  BSONRegExp,
  Double,
  Binary as DriverBinary,
  Code as DriverCode,
  Decimal128 as DriverDecimal,
  MaxKey as DriverMaxKey,
  MinKey as DriverMinKey,
  ObjectId as DriverObjectId,
  BSONSymbol as DriverSymbol,
  Timestamp as DriverTimestamp,
  Int32,
  Long,
} from "mongodb";
import { Decimal128 } from "../bson/decimal.ts";
import { typeNameOf } from "../bson/type-names.ts";
import {
  Binary,
  BsonDate,
  type BsonDocument,
  BsonDouble,
  BsonSymbol,
  type BsonValue,
  Code,
  CodeWithScope,
  isInt32,
  MaxKey,
  MinKey,
  ObjectId,
  Regex,
  Timestamp,
} from "../bson/values.ts";
import { EmbeddedMongoError } from "../store/embedded-mongo-error.ts";

/**
 * Converts a document so that the driver encodes it without changing types or the order of keys.
 *
 * @throws EmbeddedMongoError `BSON_TYPE_DEPRECATED` for `undefined` and `dbPointer`, which the driver cannot encode
 */
export function driverDocument(document: BsonDocument): Map<string, unknown> {
  return new Map([...document].map(([name, value]) => [name, driverValue(value)]));
}

function driverValue(value: BsonValue): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return isInt32(value) ? new Int32(value) : new Double(value);
  if (typeof value === "bigint") return Long.fromBigInt(value);
  if (value instanceof Map) return driverDocument(value);
  if (Array.isArray(value)) return value.map(driverValue);
  if (value instanceof ObjectId) return new DriverObjectId(value.toHex());
  if (value instanceof BsonDate) return driverDate(value);
  if (value instanceof BsonDouble) return new Double(value.value);
  if (value instanceof Decimal128) return DriverDecimal.fromString(value.toString());
  if (value instanceof Binary) return driverBinary(value);
  if (value instanceof Timestamp) return new DriverTimestamp(value.value);
  if (value instanceof Regex) return new BSONRegExp(value.pattern, value.flags);
  if (value instanceof Code) return new DriverCode(value.code);
  if (value instanceof CodeWithScope) {
    return new DriverCode(value.code, driverDocument(value.scope) as unknown as Record<string, unknown>);
  }
  if (value instanceof BsonSymbol) return new DriverSymbol(value.value);
  if (value instanceof MinKey) return new DriverMinKey();
  if (value instanceof MaxKey) return new DriverMaxKey();
  throw new EmbeddedMongoError(
    `a value of the deprecated BSON type ${typeNameOf(value)} cannot be written through the driver`,
    {
      type: "BSON_TYPE_DEPRECATED",
      code: 400,
    },
  );
}

function driverDate({ ms }: BsonDate): Date {
  const date = new Date(Number(ms));
  if (!Number.isNaN(date.getTime())) return date;
  throw new EmbeddedMongoError(`the date ${ms} lies outside of what JavaScript can hold`, {
    type: "DATE_OUT_OF_RANGE",
    code: 400,
  });
}

/** For subtype 2 the driver writes the inner length itself. */
function driverBinary({ bytes, subtype }: Binary): DriverBinary {
  return new DriverBinary(subtype === 2 ? bytes.subarray(4) : bytes, subtype);
}
