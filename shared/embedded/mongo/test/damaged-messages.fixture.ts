import { Binary, BSON, type Document, Long, ObjectId, UUID } from "mongodb";
import { messageOf } from "./raw-connection.fixture.ts";

export type Roll = (sides: number) => number;

/** The same seed gives the same messages. */
export function rollFrom(seed: number): Roll {
  let state = seed >>> 0;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

const lsid = () => ({ id: new Binary(new UUID().buffer, 4) });

/** Valid commands of every family, which the functions below damage. */
function soundCommand(roll: Roll): Document {
  const db = { $db: "fuzz" };
  const choices: (() => Document)[] = [
    () => ({ hello: 1, ...db }),
    () => ({
      insert: "a",
      documents: [{ _id: new ObjectId(), n: roll(100), s: "text", list: [1, { x: 2 }] }],
      ...db,
    }),
    () => ({ find: "a", filter: { n: { $gte: roll(50) } }, sort: { n: 1 }, limit: 5, ...db }),
    () => ({ update: "a", updates: [{ q: { n: roll(100) }, u: { $inc: { n: 1 } }, multi: true }], ...db }),
    () => ({ delete: "a", deletes: [{ q: { n: roll(100) }, limit: roll(2) }], ...db }),
    () => ({
      aggregate: "a",
      pipeline: [{ $match: { n: 1 } }, { $group: { _id: "$n", c: { $sum: 1 } } }],
      cursor: {},
      ...db,
    }),
    () => ({
      findAndModify: "a",
      query: { n: roll(100) },
      update: { $set: { s: "x" } },
      lsid: lsid(),
      txnNumber: Long.fromNumber(1),
      ...db,
    }),
    () => ({ getMore: Long.fromNumber(roll(1000)), collection: "a", ...db }),
    () => ({ createIndexes: "a", indexes: [{ key: { n: 1 }, name: "n_1" }], ...db }),
    () => ({
      commitTransaction: 1,
      lsid: lsid(),
      txnNumber: Long.fromNumber(1),
      autocommit: false,
      $db: "admin",
    }),
    () => ({ listCollections: 1, ...db }),
  ];
  return choices[roll(choices.length)]!();
}

/** A document sequence in addition to a command, with the given length and name. */
function withSequence(roll: Roll): Buffer {
  const body = BSON.serialize({ insert: "a", $db: "fuzz" });
  const name = Buffer.from("documents\0");
  const document = BSON.serialize({ n: roll(100) });
  const stated = roll(3) === 0 ? roll(2 ** 31) : 4 + name.length + document.length;
  const size = Buffer.alloc(4);
  size.writeInt32LE(stated | 0);
  const message = Buffer.concat([
    Buffer.alloc(20),
    Buffer.from([0]),
    body,
    Buffer.from([1]),
    size,
    name,
    document,
  ]);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(2013, 12);
  return message;
}

/** `{a: {a: {a: …}}}` built by hand: the driver's encoder rejects it. */
function deeplyNested(roll: Roll): Buffer {
  const depth = 50 + roll(4_000);
  const open = Buffer.from("\x03a\0", "latin1");
  const parts: Buffer[] = [];
  for (let level = depth; level >= 0; level--) {
    const length = Buffer.alloc(4);
    length.writeInt32LE(5 + level * (open.length + 5));
    parts.push(length);
    if (level > 0) parts.push(open);
  }
  parts.push(Buffer.alloc(depth + 1));
  const head = BSON.serialize({ find: "a", $db: "fuzz" });
  const filter = Buffer.concat([Buffer.from("\x03filter\0", "latin1"), ...parts]);
  const body = Buffer.concat([head.subarray(0, -1), filter, Buffer.alloc(1)]);
  body.writeInt32LE(body.length, 0);
  const message = Buffer.concat([Buffer.alloc(20), Buffer.from([0]), body]);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(2013, 12);
  return message;
}

const LENGTHS = [0, 1, -1, 15, 16, 0x7fffffff, -0x80000000, 48_000_001, 4096];
const OPCODES = [0, 1, 1000, 2001, 2002, 2004, 2005, 2006, 2007, 2010, 2011, 2012, 2013, -1];

/** Functions that damage a valid message and return the bytes to send. */
const DAMAGES: readonly ((message: Buffer, roll: Roll) => Buffer)[] = [
  (message, roll) => {
    for (let i = roll(6); i >= 0; i--) message[16 + roll(message.length - 16)] = roll(256);
    return message;
  },
  (message, roll) => {
    message.writeInt32LE(LENGTHS[roll(LENGTHS.length)]!, 0);
    return message;
  },
  (message, roll) => {
    message.writeInt32LE(OPCODES[roll(OPCODES.length)]!, 12);
    return message;
  },
  (message, roll) => {
    message.writeInt32LE(LENGTHS[roll(LENGTHS.length)]!, 21 + roll(Math.max(1, message.length - 26)));
    return message;
  },
  (message, roll) => {
    const shorter = message.subarray(0, 16 + roll(message.length - 16));
    shorter.writeInt32LE(shorter.length, 0);
    return shorter;
  },
  (message, roll) => {
    message.writeUInt32LE(roll(2 ** 32), 16);
    return message;
  },
  (message, roll) => {
    message[20] = roll(256);
    return message;
  },
  (_, roll) => withSequence(roll),
  (_, roll) => deeplyNested(roll),
];

/** One damaged message. A few stay valid, to show that the server continues. */
export function damagedMessage(roll: Roll): Buffer {
  const message = messageOf(soundCommand(roll), 1 + roll(1000));
  return roll(20) === 0 ? message : DAMAGES[roll(DAMAGES.length)]!(message, roll);
}

/** Returns true for a message after which the server waits for more bytes, or that requests no reply. */
export function isUnanswerable(message: Buffer): boolean {
  const stated = message.length >= 16 ? message.readInt32LE(0) : 0;
  const isWaiting = stated > message.length && stated <= 48_000_000;
  const isSilent =
    message.length >= 20 && message.readInt32LE(12) === 2013 && (message.readUInt32LE(16) & 2) !== 0;
  return isWaiting || isSilent;
}
