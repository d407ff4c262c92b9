import { BsonType } from "../../bson/bson-type.ts";
import { ElementCursor } from "../../bson/element-cursor.ts";
import { addToKey, beginKey, finishKey } from "../../bson/key.ts";
import { type FieldElement, MAX_FIELDS, replaceFields, setFields } from "../../bson/set-fields.ts";
import type { Collection } from "../../engine/collection.ts";
import { keepBytes } from "../../engine/document-arena.ts";
import { visibleBytes } from "../../engine/document-record.ts";
import { LazyDocument } from "../../engine/lazy-document.ts";
import type { Transaction } from "../../engine/transaction.ts";
import type { StatementOutcome } from "../../session/statement-outcomes.ts";
import { comparePaths } from "../../update/update-path.ts";
import { requireStorableSize } from "./documents-to-store.ts";

/**
 * The most frequent updates: `{ q: { _id: <ObjectId or text> }, u: … }` with a replacement, or with `$set` and
 * `$inc` (by an Int32) of top-level fields.
 *
 * They are executed on bytes, which takes about a third of the time: 5 µs instead of 14 µs for a statement of a
 * bulk.
 */
export interface UpdateById {
  /** The position of the statement. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** The document's key in the index on `_id`. */
  readonly key: string;
  readonly change: FieldsToSet | Replacement;
}

/** Missing fields are appended in this order. */
type FieldsToSet = readonly FieldElement[];

/** The replacement for all fields except `_id`; it contains no `_id`. */
interface Replacement {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly end: number;
}

const NOTHING: StatementOutcome = { n: 0, nModified: 0 };
const MATCHED: StatementOutcome = { n: 1, nModified: 0 };
const MODIFIED: StatementOutcome = { n: 1, nModified: 1 };

/** Reads a valid statement of an update command; null for any other kind. */
export function readUpdateById(bytes: Uint8Array, offset: number): UpdateById | null {
  let key: string | null = null;
  let change: UpdateById["change"] | null = null;
  const cursor = new ElementCursor(bytes, offset);
  while (cursor.next()) {
    switch (cursor.name) {
      case "q":
        key = keyIn(cursor);
        if (key === null) return null;
        break;
      case "u":
        change = fieldsIn(cursor) ?? replacementIn(cursor);
        if (change === null) return null;
        break;
      case "multi":
      case "upsert":
        if (cursor.type !== BsonType.bool || bytes[cursor.offset] !== 0) return null;
        break;
      default:
        return null;
    }
  }
  return key === null || change === null ? null : { bytes, offset, key, change };
}

/** Returns the only element of a document if it has this name. */
function onlyElement({ bytes, type, offset }: ElementCursor, name: string): ElementCursor | null {
  if (type !== BsonType.object) return null;
  const inside = new ElementCursor(bytes, offset);
  if (!inside.next() || inside.name !== name) return null;
  return inside.end === inside.close ? inside : null;
}

export function keyIn(query: ElementCursor): string | null {
  const id = onlyElement(query, "_id");
  if (id === null || (id.type !== BsonType.objectId && id.type !== BsonType.string)) return null;
  beginKey();
  addToKey(id.bytes, id, 1);
  return finishKey();
}

function fieldsIn({ type, bytes, offset }: ElementCursor): FieldElement[] | null {
  if (type !== BsonType.object) return null;
  const fields: FieldElement[] = [];
  const operators = new ElementCursor(bytes, offset);
  // An update without operators is an empty replacement.
  if (!operators.next()) return null;
  do if (!readOperator(operators, fields)) return null;
  while (operators.next());
  return fields.sort(byPath);
}

/** Adds the fields of a `$set` or `$inc`. Returns false for anything else, or if a field is named twice. */
function readOperator(
  { name: operator, type, bytes, offset }: ElementCursor,
  fields: FieldElement[],
): boolean {
  const isAdded = operator === "$inc";
  if (type !== BsonType.object || (operator !== "$set" && !isAdded)) return false;
  const cursor = new ElementCursor(bytes, offset);
  while (cursor.next()) {
    const { name, start, offset, end } = cursor;
    if (isAdded && cursor.type !== BsonType.int) return false;
    if (!isPlainName(name) || fields.length === MAX_FIELDS || fields.some((field) => field.name === name))
      return false;
    fields.push({ name, bytes, start, offset, end, isAdded });
  }
  return true;
}

function replacementIn({ type, bytes, offset, end }: ElementCursor): Replacement | null {
  if (type !== BsonType.object) return null;
  const fields = new ElementCursor(bytes, offset);
  while (fields.next()) {
    if (fields.name === "_id" || fields.name.startsWith("$") || fields.isEmptyTimestamp) return null;
  }
  return { bytes, offset, end };
}

const isPlainName = (name: string): boolean =>
  name !== "" && name !== "_id" && !name.startsWith("$") && !name.includes(".");

const byPath = (a: FieldElement, b: FieldElement): number => comparePaths([a.name], [b.name]);

/**
 * Executes the update. Returns null if the statement or the document must be decoded.
 *
 * @throws WriteConflict, CommandFault 10334 for a document that grows too large (nothing is written then)
 */
export function updateById(
  { key, change }: UpdateById,
  { collection, transaction }: { collection: Collection | undefined; transaction: Transaction },
): StatementOutcome | null {
  if (collection?.collation !== undefined) return null;
  const record = collection?.findById(key, transaction);
  if (collection === undefined || record === undefined) return NOTHING;
  const result = changeOnBytes(visibleBytes(record, transaction)!, change);
  if (result === null) return null;
  if (result.kept === null) return MATCHED;
  collection.update(transaction, { record, source: new LazyDocument(result.kept), heads: result.heads });
  return MODIFIED;
}

/**
 * Returns the changed document and the first parts of the changed paths; either can be null as in {@link
 * setFields}.
 */
export function changeOnBytes(
  document: Uint8Array,
  change: UpdateById["change"],
): { kept: Uint8Array | null; heads: ReadonlySet<string> | null } | null {
  if ("offset" in change) return { kept: replaceFields(document, change, keepStorable), heads: null };
  const result = setFields(document, change, keepStorable);
  return result && { kept: result.kept, heads: result.changed };
}

function keepStorable(bytes: Uint8Array, length: number): Uint8Array {
  requireStorableSize(length);
  return keepBytes(bytes, 0, length);
}
