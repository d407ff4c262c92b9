import { BsonType } from "../../bson/bson-type.ts";
import { ElementCursor } from "../../bson/element-cursor.ts";
import { addToKey, beginKey, finishKey } from "../../bson/key.ts";
import { type FieldElement, MOST_FIELDS, replaceFields, setFields } from "../../bson/set-fields.ts";
import type { Collection } from "../../engine/collection.ts";
import { keepBytes } from "../../engine/document-arena.ts";
import { visibleBytes } from "../../engine/document-record.ts";
import { LazyDocument } from "../../engine/lazy-document.ts";
import type { Transaction } from "../../engine/transaction.ts";
import type { StatementOutcome } from "../../session/statement-outcomes.ts";
import { comparePaths } from "../../update/update-path.ts";
import { requireStorableSize } from "./documents-to-store.ts";

/**
 * The updates that programs send most: `{ q: { _id: <ObjectId or text> }, u: … }` with a replacement, or with `$set`
 * and `$inc` (by an Int32) of top-level fields.
 *
 * They are carried out on bytes, which takes about a third of the time: 5 µs for a statement of a bulk instead of 14.
 */
export interface UpdateById {
  /** Where the statement lies. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** The document's key in the index on `_id`. */
  readonly key: string;
  readonly change: FieldsToSet | Replacement;
}

/** In the order in which those that are missing are appended. */
type FieldsToSet = readonly FieldElement[];

/** The document that takes the place of all fields but `_id`; it has none of its own. */
interface Replacement {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly end: number;
}

const NOTHING: StatementOutcome = { n: 0, nModified: 0 };
const MATCHED: StatementOutcome = { n: 1, nModified: 0 };
const MODIFIED: StatementOutcome = { n: 1, nModified: 1 };

/** Reads a (valid) statement of an update command; null for one that asks for anything else. */
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

/** The one element of a document, if it has this name. */
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
  // Without any operator it is an empty replacement.
  if (!operators.next()) return null;
  do if (!readOperator(operators, fields)) return null;
  while (operators.next());
  return fields.sort(byPath);
}

/** Adds the fields of a `$set` or `$inc`; false for anything else, or a field that is named twice. */
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
    if (!isPlainName(name) || fields.length === MOST_FIELDS || fields.some((field) => field.name === name))
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
 * Carries the update out; null where the statement or the document must be decoded for it.
 *
 * @throws WriteConflict, CommandFault 10334 for a document that grows too large (nothing has been written then)
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

/** The changed document, and first parts of the changed paths; null in place of either as in {@link setFields}. */
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
