import { type Collation, compileCollation, isSameCollation } from "../../bson/collation.ts";
import { compareValues } from "../../bson/compare.ts";
import { CommandFault, unsupported } from "../../bson/fault.ts";
import { isNumber } from "../../bson/number.ts";
import { typeNameOf } from "../../bson/type-names.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument, Regex } from "../../bson/values.ts";
import type { CollectionIndex } from "../../engine/collection-index.ts";
import { POINTER_FIELDS } from "../../fields/field-path.ts";
import { compileMatch } from "../../query/match.ts";
import { numberOf } from "../request/arguments.ts";

const MAX_EXPIRY_SECONDS = 2_147_483_647;
const ID_OPTIONS = new Set(["key", "name", "ns", "v", "collation", "background"]);
/** Options without effect on this server. */
const IGNORED = new Set(["dropDups", "v", "ns"]);
const KNOWN = new Set([
  "key",
  "name",
  "unique",
  "sparse",
  "partialFilterExpression",
  "expireAfterSeconds",
  "collation",
  "hidden",
  "background",
]);
/** Kinds of indexes that only a real server supports. */
const OTHER_KINDS = new Set(["text", "hashed", "2d", "2dsphere", "geoHaystack", "wildcard"]);
const TEXT_OPTIONS = ["weights", "default_language", "language_override", "textIndexVersion"];
const GEO_OPTIONS = ["2dsphereIndexVersion", "bits", "min", "max"];

const cannotCreate = (reason: string): CommandFault => new CommandFault(67, `Cannot create index: ${reason}`);

const wrongType = (field: string, wanted: string, value: BsonValue): CommandFault =>
  new CommandFault(14, `The field '${field}' must be ${wanted}, but got ${typeNameOf(value)}`);

/**
 * Returns the stored definition of an index from that of `createIndexes`.
 *
 * @param inherited the collation of the collection, for an index without its own
 * @throws CommandFault 67, 197 for an invalid definition, 115 for kinds of indexes that only a real server supports
 */
export function indexDefinition(spec: BsonDocument, inherited: Collation | undefined): BsonDocument {
  const key = spec.get("key");
  if (key === undefined)
    throw new CommandFault(9, "The 'key' field is a required property of an index specification");
  if (!isDocument(key)) throw wrongType("key", "an object", key);
  requireKey(key);
  for (const option of spec.keys()) requireOption(option);
  if (isIdKey(key)) requireIdOptions(spec);
  for (const flag of ["unique", "sparse", "hidden", "background"]) {
    const value = spec.get(flag);
    if (value !== undefined && typeof value !== "boolean" && !isNumber(value))
      throw wrongType(flag, "a bool", value);
  }
  const version = numberOf(spec.get("v") ?? 2);
  if (version !== 1 && version !== 2)
    throw cannotCreate(`Invalid index specification: version ${version} is neither 1 nor 2`);
  const collation = collationOf(spec, inherited);
  if (isIdKey(key) && !isSameCollation(collation, inherited))
    throw cannotCreate("the _id index must have the collation of its collection");
  const partial = spec.get("partialFilterExpression");
  if (partial !== undefined) requirePartialFilter(partial, spec);
  const isUnique = isTrue(spec.get("unique"));
  return documentOf({
    v: 2,
    key,
    name: nameOf(spec),
    unique: isUnique || undefined,
    background: spec.get("background"),
    hidden: isTrue(spec.get("hidden")) || undefined,
    sparse: isTrue(spec.get("sparse")) || undefined,
    partialFilterExpression: partial,
    expireAfterSeconds: expiryOf(spec.get("expireAfterSeconds"), key),
    collation: collation?.spec,
  });
}

function collationOf(spec: BsonDocument, inherited: Collation | undefined): Collation | undefined {
  const given = spec.get("collation");
  if (given === undefined) return inherited;
  if (!isDocument(given)) throw wrongType("collation", "an object", given);
  if (given.size === 0) throw cannotCreate("the field 'collation' must not be empty");
  return compileCollation(given);
}

function requireKey(key: BsonDocument): void {
  if (key.size === 0) throw cannotCreate("index keys cannot be empty.");
  if (key.size > 32) throw cannotCreate("an index has 32 fields at most");
  for (const [path, kind] of key) {
    if (path === "$**" || path.endsWith(".$**")) throw unsupported("A wildcard index");
    if (
      path.split(".").some((part, i) => part === "" || (part.startsWith("$") && !isPointerField(part, i)))
    ) {
      throw cannotCreate(`'${path}' is no path: its parts must not be empty or start with $`);
    }
    if (typeof kind === "string") {
      if (OTHER_KINDS.has(kind)) throw unsupported(`An index of type '${kind}'`);
      throw cannotCreate(`Unknown index plugin '${kind}'`);
    }
    const direction = numberOf(kind);
    if (direction === null || direction === 0 || Number.isNaN(direction)) {
      throw cannotCreate(`the direction of '${path}' must be 1 or -1`);
    }
  }
}

/** `$ref`, `$id` and `$db` are fields of a DBRef at any level of a document. */
const isPointerField = (part: string, at: number): boolean => at > 0 && POINTER_FIELDS.has(part);

const isIdKey = (key: BsonDocument): boolean => key.size === 1 && numberOf(key.get("_id")) === 1;

function requireIdOptions(spec: BsonDocument): void {
  for (const option of spec.keys()) {
    if (ID_OPTIONS.has(option)) continue;
    throw new CommandFault(197, `The field '${option}' is not valid for an _id index specification`);
  }
}

function requireOption(option: string): void {
  if (TEXT_OPTIONS.includes(option)) throw unsupported("A text index");
  if (GEO_OPTIONS.includes(option)) throw unsupported("A geospatial index");
  if (option === "wildcardProjection") throw unsupported("A wildcard index");
  if (option === "clustered") throw unsupported("A clustered index");
  if (option === "storageEngine" || option === "prepareUnique")
    throw unsupported(`The index option '${option}'`);
  if (KNOWN.has(option) || IGNORED.has(option)) return;
  throw new CommandFault(197, `The field '${option}' is not valid for an index specification`);
}

function requirePartialFilter(partial: BsonValue, spec: BsonDocument): void {
  if (!isDocument(partial)) throw wrongType("partialFilterExpression", "an object", partial);
  if (isTrue(spec.get("sparse")))
    throw cannotCreate("cannot mix 'partialFilterExpression' and 'sparse' options");
  compileMatch(partial);
  requirePartialOperators(partial);
}

const PARTIAL_OPERATORS = new Set([
  "$eq",
  "$exists",
  "$gt",
  "$gte",
  "$lt",
  "$lte",
  "$type",
  "$in",
  "$and",
  "$or",
]);

/** @throws CommandFault 67 for operators that are not allowed in partial indexes */
function requirePartialOperators(filter: BsonDocument): void {
  for (const [name, operand] of filter) {
    if (operand instanceof Regex && !name.startsWith("$"))
      throw cannotCreate(`Expression not supported in partial index: ${name} matches a regular expression`);
    if (name.startsWith("$") && !PARTIAL_OPERATORS.has(name))
      throw cannotCreate(`Expression not supported in partial index: ${name}`);
    if (name === "$exists" && !isTrue(operand))
      throw cannotCreate("Expression not supported in partial index: $not $exists");
    for (const inner of Array.isArray(operand) && name.startsWith("$") ? operand : [operand])
      if (isDocument(inner) && (inner.keys().next().value?.startsWith("$") || name.startsWith("$")))
        requirePartialOperators(inner);
  }
}

const isTrue = (value: BsonValue | undefined): boolean => value === true || (numberOf(value) ?? 0) !== 0;

function nameOf(spec: BsonDocument): string {
  const name = spec.get("name");
  if (name === undefined)
    throw new CommandFault(9, "The 'name' field is a required property of an index specification");
  if (typeof name !== "string") throw wrongType("name", "a string", name);
  if (name === "*") throw new CommandFault(2, "The index name '*' is not valid.");
  if (name === "") throw cannotCreate("index name cannot be empty");
  return name;
}

function expiryOf(value: BsonValue | undefined, key: BsonDocument): BsonValue | undefined {
  if (value === undefined) return undefined;
  const seconds = numberOf(value);
  if (seconds === null) throw wrongType("expireAfterSeconds", "a number", value);
  if (!(seconds >= 0 && seconds <= MAX_EXPIRY_SECONDS)) {
    throw cannotCreate(`expireAfterSeconds must be a number from 0 to ${MAX_EXPIRY_SECONDS}`);
  }
  if (key.size > 1)
    throw cannotCreate("TTL indexes are single-field indexes, compound indexes do not support TTL");
  if (key.has("_id"))
    throw cannotCreate("The field 'expireAfterSeconds' is not valid for an _id index specification");
  return Math.trunc(seconds);
}

/**
 * Returns the existing index with the same definition; undefined if the index is new.
 *
 * @throws CommandFault 85, 86 if it contradicts an existing one
 */
export function sameIndex(
  indexes: readonly CollectionIndex[],
  wanted: BsonDocument,
): CollectionIndex | undefined {
  const name = wanted.get("name");
  const key = wanted.get("key")!;
  if (isDocument(key) && isIdKey(key)) return indexes[0];
  const sameKey = (index: CollectionIndex) => compareValues(index.definition.get("key")!, key) === 0;
  const named = indexes.find((index) => index.name === name);
  if (named !== undefined) {
    if (!sameKey(named) || !hasSameOptions(named.definition, wanted)) {
      throw new CommandFault(
        86,
        `An existing index has the same name as the requested index, but another key or options: ${named.name}`,
      );
    }
    return named;
  }
  const twin = indexes.find((index) => sameKey(index) && hasSameRange(index.definition, wanted));
  if (twin === undefined) return undefined;
  throw new CommandFault(85, `Index already exists with a different name: ${twin.name}`);
}

/** Two indexes may have the same key if they differ in one of these options. */
const RANGE_OPTIONS = ["partialFilterExpression", "collation"];
const SHAPING_OPTIONS = [...RANGE_OPTIONS, "unique", "sparse", "expireAfterSeconds"];

const areSame = (options: readonly string[], a: BsonDocument, b: BsonDocument): boolean =>
  options.every((option) => compareValues(a.get(option) ?? null, b.get(option) ?? null) === 0);
const hasSameOptions = (a: BsonDocument, b: BsonDocument): boolean => areSame(SHAPING_OPTIONS, a, b);
const hasSameRange = (a: BsonDocument, b: BsonDocument): boolean => areSame(RANGE_OPTIONS, a, b);
