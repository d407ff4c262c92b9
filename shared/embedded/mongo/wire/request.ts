import { decodeDocument } from "../bson/decode.ts";
import { CommandFault } from "../bson/fault.ts";
import { documentLength, validateDocument } from "../bson/raw.ts";
import type { BsonDocument } from "../bson/values.ts";
import { TimeSlice } from "../pacing/time-slice.ts";
import { HEADER_BYTES } from "./frame-reader.ts";

export const Opcode = { reply: 1, query: 2004, compressed: 2012, message: 2013 } as const;

const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
/** A server must reject unknown bits among the lower 16 flags. */
const UNKNOWN_REQUIRED_BITS = 0xfffc;

/** The document sequence of a command, as bytes of the message: valid BSON at each offset. */
export interface DocumentSequence {
  readonly bytes: Uint8Array;
  readonly offsets: readonly number[];
}

export interface Request {
  readonly id: number;
  readonly command: BsonDocument;
  readonly sequences: ReadonlyMap<string, DocumentSequence>;
  readonly wantsReply: boolean;
  /** True for the legacy form of a driver's first hello. */
  readonly isLegacy: boolean;
}

const malformed = (reason: string): CommandFault => new CommandFault(17, `malformed message: ${reason}`);

/**
 * Reads a message, with pauses if it has many documents.
 * @throws CommandFault for anything but a well-formed command
 */
export async function readRequest(message: Buffer): Promise<Request> {
  const opcode = message.readInt32LE(12);
  if (opcode === Opcode.message) return readMessage(message);
  if (opcode === Opcode.query) return readQuery(message);
  throw malformed(`opcode ${opcode} is not supported (only OP_MSG ${Opcode.message} is)`);
}

/** Returns the message id for a reply, which is readable even if the rest of the message is not. */
export const requestIdOf = (message: Buffer): number => message.readInt32LE(4);

async function readMessage(message: Buffer): Promise<Request> {
  if (message.length < HEADER_BYTES + 4 + 1 + 5) throw malformed("it is too short for a command");
  const flags = message.readUInt32LE(HEADER_BYTES);
  if (flags & UNKNOWN_REQUIRED_BITS) throw malformed(`unknown flags 0x${flags.toString(16)}`);
  const end = message.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  const sequences = new Map<string, DocumentSequence>();
  let command: BsonDocument | null = null;
  let at = HEADER_BYTES + 4;
  while (at < end) {
    const kind = message[at]!;
    if (kind === 0) {
      if (command !== null) throw malformed("two command documents");
      const next = validateDocument(message, at + 1, end);
      command = decodeDocument(message, at + 1);
      at = next;
    } else if (kind === 1) at = await readSequence(message, { at: at + 1, end }, sequences);
    else throw malformed(`unknown section kind ${kind}`);
  }
  if (command === null) throw malformed("no command document");
  const wantsReply = (flags & MORE_TO_COME) === 0;
  return { id: requestIdOf(message), command, sequences, wantsReply, isLegacy: false };
}

async function readSequence(
  message: Buffer,
  { at, end }: { at: number; end: number },
  sequences: Map<string, DocumentSequence>,
): Promise<number> {
  if (at + 4 > end) throw malformed("a document sequence is cut short");
  const close = at + message.readInt32LE(at);
  const nameEnd = message.indexOf(0, at + 4);
  if (close > end || nameEnd < 0 || nameEnd >= close)
    throw malformed("a document sequence has a wrong length");
  const offsets: number[] = [];
  const slice = new TimeSlice();
  let offset = nameEnd + 1;
  while (offset < close) {
    offsets.push(offset);
    offset = validateDocument(message, offset, close);
    if (slice.isOver()) await slice.pause();
  }
  sequences.set(message.toString("latin1", at + 4, nameEnd), { bytes: message, offsets });
  return close;
}

/** OP_QUERY: flags, collection name, skip and limit, then the command. */
function readQuery(message: Buffer): Request {
  const nameEnd = message.indexOf(0, HEADER_BYTES + 4);
  if (nameEnd < 0 || nameEnd + 1 + 8 + 5 > message.length) throw malformed("a query is cut short");
  const namespace = message.toString("latin1", HEADER_BYTES + 4, nameEnd);
  if (!namespace.endsWith(".$cmd")) throw malformed("OP_QUERY is supported for commands only");
  validateDocument(message, nameEnd + 9);
  const command = decodeDocument(message, nameEnd + 9);
  command.set("$db", namespace.slice(0, -".$cmd".length));
  return { id: requestIdOf(message), command, sequences: NO_SEQUENCES, wantsReply: true, isLegacy: true };
}

const NO_SEQUENCES: ReadonlyMap<string, DocumentSequence> = new Map();

/** Validates the document at `offset` and returns the position after it. */
export const endOfDocument = (bytes: Uint8Array, offset: number): number =>
  offset + documentLength(bytes, offset);
