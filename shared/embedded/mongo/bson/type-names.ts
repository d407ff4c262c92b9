import { BsonType } from "./bson-type.ts";
import { type BsonValue, typeOf } from "./values.ts";

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [BsonType.double, "double"],
  [BsonType.string, "string"],
  [BsonType.object, "object"],
  [BsonType.array, "array"],
  [BsonType.binary, "binData"],
  [BsonType.undefined, "undefined"],
  [BsonType.objectId, "objectId"],
  [BsonType.bool, "bool"],
  [BsonType.date, "date"],
  [BsonType.null, "null"],
  [BsonType.regex, "regex"],
  [BsonType.dbPointer, "dbPointer"],
  [BsonType.code, "javascript"],
  [BsonType.symbol, "symbol"],
  [BsonType.codeWithScope, "javascriptWithScope"],
  [BsonType.int, "int"],
  [BsonType.timestamp, "timestamp"],
  [BsonType.long, "long"],
  [BsonType.decimal, "decimal"],
  [BsonType.maxKey, "maxKey"],
  [BsonType.minKey, "minKey"],
]);

/** MongoDB's alias of a type, as `$type` and error messages use it; `missing` for no value. */
export const typeNameOf = (value: BsonValue | undefined): string =>
  value === undefined ? "missing" : (TYPE_NAMES.get(typeOf(value)) ?? "unknown");

/** Alias to type byte, for `$type` in filters. */
export const TYPE_ALIASES: ReadonlyMap<string, number> = new Map(
  [...TYPE_NAMES].map(([code, alias]) => [alias, code]),
);
