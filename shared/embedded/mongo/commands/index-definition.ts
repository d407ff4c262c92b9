import { compareValues } from "../bson/compare.ts";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../bson/values.ts";
import type { CollectionIndex } from "../engine/collection-index.ts";
import { compileMatch } from "../query/match.ts";
import { numberOf } from "./arguments.ts";

const LONGEST_EXPIRY = 2_147_483_647;
/** Options that change nothing here. */
const IGNORED = new Set(["background", "v", "ns", "hidden"]);
const KNOWN = new Set([
  "key",
  "name",
  "unique",
  "sparse",
  "partialFilterExpression",
  "expireAfterSeconds",
  "collation",
]);
const TEXT_OPTIONS = ["weights", "default_language", "language_override", "textIndexVersion"];
const GEO_OPTIONS = ["2dsphereIndexVersion", "bits", "min", "max"];

const cannotCreate = (reason: string): CommandFault => new CommandFault(67, `Cannot create index: ${reason}`);

/**
 * The definition of an index as it is kept, from what `createIndexes` was given.
 *
 * @throws CommandFault 67, 197 for a definition that is wrong, 115 for kinds of index that only a real server has
 */
export function indexDefinition(spec: BsonDocument): BsonDocument {
  const key = spec.get("key");
  if (!isDocument(key))
    throw new CommandFault(9, "The 'key' field of an index is required and must be an object");
  requireKey(key);
  for (const option of spec.keys()) requireOption(option);
  const collation = spec.get("collation");
  if (isDocument(collation) && collation.get("locale") !== "simple")
    throw unsupported("An index with a collation");
  if (spec.get("hidden") === true) throw unsupported("A hidden index");
  const partial = spec.get("partialFilterExpression");
  if (partial !== undefined) requirePartialFilter(partial, spec);
  const isUnique = isTrue(spec.get("unique"));
  return documentOf({
    v: 2,
    key,
    name: nameOf(spec),
    unique: isUnique || undefined,
    sparse: isTrue(spec.get("sparse")) || undefined,
    partialFilterExpression: partial,
    expireAfterSeconds: expiryOf(spec.get("expireAfterSeconds"), key),
  });
}

function requireKey(key: BsonDocument): void {
  if (key.size === 0) throw cannotCreate("index keys cannot be empty.");
  if (key.size > 32) throw cannotCreate("an index has 32 fields at most");
  for (const [path, kind] of key) {
    if (path === "$**" || path.endsWith(".$**")) throw unsupported("A wildcard index");
    if (path.length === 0 || path.split(".").some((part) => part === "" || part.startsWith("$"))) {
      throw cannotCreate(`'${path}' is no path: its parts must not be empty or start with $`);
    }
    if (typeof kind === "string") throw unsupported(`An index of type '${kind}'`);
    const direction = numberOf(kind);
    if (direction === null || direction === 0 || Number.isNaN(direction)) {
      throw cannotCreate(`the direction of '${path}' must be 1 or -1`);
    }
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
  if (!isDocument(partial)) throw cannotCreate("'partialFilterExpression' must be an object");
  if (isTrue(spec.get("sparse")))
    throw cannotCreate("cannot mix 'partialFilterExpression' and 'sparse' options");
  compileMatch(partial);
}

const isTrue = (value: BsonValue | undefined): boolean => value === true || (numberOf(value) ?? 0) !== 0;

function nameOf(spec: BsonDocument): string {
  const name = spec.get("name");
  if (name === undefined)
    throw new CommandFault(9, "The 'name' field is a required property of an index specification");
  if (typeof name === "string" && name.length > 0 && name !== "*") return name;
  throw cannotCreate("the name of an index must be a text other than '*', and not empty");
}

function expiryOf(value: BsonValue | undefined, key: BsonDocument): BsonValue | undefined {
  if (value === undefined) return undefined;
  const seconds = numberOf(value);
  if (seconds === null || !(seconds >= 0 && seconds <= LONGEST_EXPIRY)) {
    throw cannotCreate(`expireAfterSeconds must be a number from 0 to ${LONGEST_EXPIRY}`);
  }
  if (key.size > 1)
    throw cannotCreate("TTL indexes are single-field indexes, compound indexes do not support TTL");
  if (key.has("_id"))
    throw cannotCreate("The field 'expireAfterSeconds' is not valid for an _id index specification");
  return Math.trunc(seconds);
}

/**
 * The existing index that a definition repeats; undefined where it is new.
 *
 * @throws CommandFault 85, 86 where it contradicts an existing one
 */
export function sameIndex(
  indexes: readonly CollectionIndex[],
  wanted: BsonDocument,
): CollectionIndex | undefined {
  const name = wanted.get("name");
  const key = wanted.get("key")!;
  if (isDocument(key) && key.size === 1 && numberOf(key.get("_id")) === 1) return indexes[0];
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
  const twin = indexes.find((index) => sameKey(index) && hasSameFilter(index.definition, wanted));
  if (twin === undefined) return undefined;
  throw new CommandFault(85, `Index already exists with a different name: ${twin.name}`);
}

const SHAPING_OPTIONS = ["unique", "sparse", "partialFilterExpression", "expireAfterSeconds"];

const hasSameOptions = (a: BsonDocument, b: BsonDocument): boolean =>
  SHAPING_OPTIONS.every((option) => compareValues(a.get(option) ?? null, b.get(option) ?? null) === 0);

const hasSameFilter = (a: BsonDocument, b: BsonDocument): boolean =>
  compareValues(a.get("partialFilterExpression") ?? null, b.get("partialFilterExpression") ?? null) === 0;
