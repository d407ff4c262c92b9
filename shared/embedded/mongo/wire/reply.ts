import { encodeDocument } from "../bson/encode.ts";
import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, BsonDouble, documentOf, type Timestamp } from "../bson/values.ts";
import { HEADER_BYTES } from "./frame-reader.ts";
import { Opcode } from "./request.ts";

/** A batch of a cursor; its documents are sent as the stored bytes. */
export interface CursorBatch {
  readonly field: "firstBatch" | "nextBatch";
  readonly id: bigint;
  readonly namespace: string;
  readonly documents: readonly Uint8Array[];
  /** The cluster time of a snapshot read. */
  readonly atClusterTime?: Timestamp | undefined;
}

/** The reply of a command; `ok` and the times are added later. */
export interface Reply {
  readonly body: BsonDocument;
  readonly cursor?: CursorBatch;
}

export const replyOf = (fields: Parameters<typeof documentOf>[0]): Reply => ({ body: documentOf(fields) });

/** Builds the reply for an error. */
export function faultReply(error: unknown): BsonDocument {
  const fault = asFault(error);
  const body = documentOf({
    ok: new BsonDouble(0),
    errmsg: fault.message,
    code: fault.code,
    codeName: fault.codeName,
  });
  for (const [name, value] of fault.details()) body.set(name, value);
  if (fault.labels.length > 0) body.set("errorLabels", [...fault.labels]);
  return body;
}

/** Any other error is a bug of the server: the client gets its message, but not its stack. */
export const asFault = (error: unknown): CommandFault =>
  error instanceof CommandFault
    ? error
    : new CommandFault(1, `internal error: ${error instanceof Error ? error.message : String(error)}`);

let lastRequestId = 0;

/** A complete OP_MSG: header, flags, one section of kind 0. */
export function encodeReply({ body, cursor }: Reply, responseTo: number): Buffer {
  const fields = encodeDocument(body);
  const cursorBytes = cursor === undefined ? 0 : cursorElementSize(cursor);
  const message = Buffer.allocUnsafe(HEADER_BYTES + 5 + cursorBytes + fields.length);
  let at = putHeader(message, { responseTo, opcode: Opcode.message });
  at = message.writeUInt32LE(0, at);
  at = message.writeUInt8(0, at);
  at = message.writeInt32LE(cursorBytes + fields.length, at);
  if (cursor !== undefined) at = putCursor(message, at, cursor);
  message.set(fields.subarray(4), at);
  return message;
}

/** A complete OP_REPLY, the reply to the legacy form. */
export function encodeLegacyReply(body: BsonDocument, responseTo: number): Buffer {
  const document = encodeDocument(body);
  const message = Buffer.alloc(HEADER_BYTES + 20 + document.length);
  const at = putHeader(message, { responseTo, opcode: Opcode.reply });
  const AWAIT_CAPABLE = 8;
  message.writeInt32LE(AWAIT_CAPABLE, at);
  message.writeInt32LE(1, at + 16);
  message.set(document, at + 20);
  return message;
}

function putHeader(message: Buffer, { responseTo, opcode }: { responseTo: number; opcode: number }): number {
  lastRequestId = (lastRequestId + 1) & 0x7fffffff;
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(lastRequestId, 4);
  message.writeInt32LE(responseTo, 8);
  return message.writeInt32LE(opcode, 12);
}

/** `cursor: { <field>: [...], id, ns }` as one element: type and name, then the embedded document. */
const CURSOR_NAME = Buffer.from("\x03cursor\0", "latin1");
const ID_NAME = Buffer.from("\x12id\0", "latin1");
const TIME_NAME = Buffer.from("\x11atClusterTime\0", "latin1");
const NAMESPACE_NAME = Buffer.from("\x02ns\0", "latin1");

const batchName = (field: string): Buffer => Buffer.from(`\x04${field}\0`, "latin1");

function batchSize(documents: readonly Uint8Array[]): number {
  let size = 5;
  for (let i = 0; i < documents.length; i++) size += 2 + digits(i) + documents[i]!.length;
  return size;
}

const digits = (index: number): number =>
  index < 10 ? 1 : index < 100 ? 2 : index < 1000 ? 3 : String(index).length;

const embeddedSize = ({ field, documents, namespace, atClusterTime }: CursorBatch): number =>
  (atClusterTime === undefined ? 0 : TIME_NAME.length + 8) +
  4 +
  field.length +
  2 +
  batchSize(documents) +
  ID_NAME.length +
  8 +
  NAMESPACE_NAME.length +
  5 +
  Buffer.byteLength(namespace) +
  1;

const cursorElementSize = (cursor: CursorBatch): number => CURSOR_NAME.length + embeddedSize(cursor);

function putCursor(message: Buffer, start: number, cursor: CursorBatch): number {
  let at = putBytes(message, start, CURSOR_NAME);
  at = message.writeInt32LE(embeddedSize(cursor), at);
  at = putBytes(message, at, batchName(cursor.field));
  at = message.writeInt32LE(batchSize(cursor.documents), at);
  for (let i = 0; i < cursor.documents.length; i++) {
    message[at++] = 3;
    at += message.write(String(i), at, "latin1");
    message[at++] = 0;
    at = putBytes(message, at, cursor.documents[i]!);
  }
  message[at++] = 0;
  at = putBytes(message, at, ID_NAME);
  at = message.writeBigInt64LE(cursor.id, at);
  at = putBytes(message, at, NAMESPACE_NAME);
  at = message.writeInt32LE(Buffer.byteLength(cursor.namespace) + 1, at);
  at += message.write(cursor.namespace, at);
  message[at++] = 0;
  if (cursor.atClusterTime !== undefined) {
    at = putBytes(message, at, TIME_NAME);
    at = message.writeBigUInt64LE(cursor.atClusterTime.value, at);
  }
  message[at++] = 0;
  return at;
}

function putBytes(message: Buffer, at: number, bytes: Uint8Array): number {
  message.set(bytes, at);
  return at + bytes.length;
}
