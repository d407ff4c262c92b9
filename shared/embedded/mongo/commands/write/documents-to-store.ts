import { BsonType } from "../../bson/bson-type.ts";
import { decodeDocument } from "../../bson/decode.ts";
import { ElementCursor } from "../../bson/element-cursor.ts";
import { encodeDocument } from "../../bson/encode.ts";
import { CommandFault } from "../../bson/fault.ts";
import { newObjectId } from "../../bson/new-object-id.ts";
import { documentLength, findField, rawFields } from "../../bson/raw.ts";
import type { BsonDocument } from "../../bson/values.ts";
import { keepBytes } from "../../engine/document-arena.ts";
import { LazyDocument } from "../../engine/lazy-document.ts";
import { MAX_DOCUMENT_BYTES } from "../../server/identity.ts";
import type { ClusterTime } from "../../session/cluster-time.ts";

/** `_id` as the first element of a document: the name and a zero byte, after length and type. */
const ID_NAME = [0x5f, 0x69, 0x64, 0x00];

/**
 * Copies a document of a message into the form in which it is stored, with `_id` first (generated if missing).
 *
 * @throws CommandFault 53 or 52 for an invalid `_id`, 10334 for a document that is too large
 */
export function documentToInsert(
  bytes: Uint8Array,
  offset: number,
  clusterTime: Pick<ClusterTime, "tick">,
): LazyDocument {
  const length = documentLength(bytes, offset);
  requireStorableSize(length);
  const idFirst = ID_NAME.every((byte, i) => bytes[offset + 5 + i] === byte);
  if (idFirst) {
    requireIdType(bytes[offset + 4]!);
    requireIdFields(bytes, offset);
    const kept = keepBytes(bytes, offset, offset + length);
    fillEmptyTimestamps(kept, clusterTime);
    return new LazyDocument(kept);
  }
  const document = withIdFirst(decodeDocument(bytes, offset));
  const stored = encodeDocument(document);
  requireIdType(findField(stored, "_id")!.type);
  requireIdFields(stored);
  requireStorableSize(stored.length);
  const kept = keepBytes(stored);
  return new LazyDocument(kept, fillEmptyTimestamps(kept, clusterTime) ? null : document);
}

/**
 * Replaces each top-level `Timestamp(0, 0)` except `_id` by the time of the insert. Returns true if there was one.
 */
function fillEmptyTimestamps(kept: Uint8Array, clusterTime: Pick<ClusterTime, "tick">): boolean {
  // Few documents contain the byte, and searching for it takes a tenth of the time of iterating over the
  // elements.
  if (Buffer.prototype.indexOf.call(kept, BsonType.timestamp) < 0) return false;
  const cursor = new ElementCursor(kept);
  let hasFilled = false;
  cursor.next();
  while (cursor.next()) {
    if (!cursor.isEmptyTimestamp) continue;
    const value = new DataView(kept.buffer, kept.byteOffset + cursor.offset);
    value.setBigUint64(0, clusterTime.tick().value, true);
    hasFilled = true;
  }
  return hasFilled;
}

/** Encodes a changed or upserted document as it is stored. */
export function documentToStore(document: BsonDocument): LazyDocument {
  const stored = encodeDocument(document);
  requireStorableSize(stored.length);
  return new LazyDocument(keepBytes(stored), document);
}

/** Returns the document with `_id` first, generated if missing. */
export function withIdFirst(document: BsonDocument): BsonDocument {
  if (document.keys().next().value === "_id") return document;
  const ordered: BsonDocument = new Map([["_id", document.get("_id") ?? newObjectId()]]);
  if (document.get("_id") === null) ordered.set("_id", null);
  for (const [name, value] of document) if (name !== "_id") ordered.set(name, value);
  return ordered;
}

export function requireIdType(type: number): void {
  if (type === BsonType.array) throw new CommandFault(53, "The '_id' value cannot be of type array");
  if (type === BsonType.regex) throw new CommandFault(53, "The '_id' value cannot be of type regex");
  if (type === BsonType.undefined) throw new CommandFault(53, "The '_id' value cannot be of type undefined");
}

/** An `_id` with fields like operators could not be queried. */
export function requireIdFields(bytes: Uint8Array, offset = 0): void {
  const id = findField(bytes, "_id", offset)!;
  if (id.type !== BsonType.object) return;
  for (const [name] of rawFields(bytes, id.offset)) {
    if (!name.startsWith("$")) continue;
    throw new CommandFault(
      52,
      `_id fields may not contain '$'-prefixed fields: ${name} is not valid for storage.`,
    );
  }
}

/** @throws CommandFault 10334 */
export function requireStorableSize(length: number): void {
  if (length <= MAX_DOCUMENT_BYTES) return;
  throw new CommandFault(
    10334,
    `object to insert too large. size in bytes: ${length}, max size: ${MAX_DOCUMENT_BYTES}`,
  );
}
