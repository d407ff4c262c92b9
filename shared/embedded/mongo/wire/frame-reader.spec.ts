import assert from "node:assert/strict";
import { test } from "node:test";
import { randomSource } from "../bson/random.fixture.ts";
import { FrameReader, HEADER_BYTES } from "./frame-reader.ts";

const SEED = Date.now() % 1_000_000;
const random = randomSource(SEED);
const roll = (sides: number): number => Math.floor(random() * sides);

function messageOf(length: number): Buffer {
  const message = Buffer.from(Array.from({ length }, () => roll(256)));
  message.writeInt32LE(length, 0);
  return message;
}

test(`messages come out as they went in, whatever the chunks (seed ${SEED})`, () => {
  for (const largest of [1, 3, HEADER_BYTES, 100, 5_000]) {
    const messages = Array.from({ length: 200 }, () => messageOf(HEADER_BYTES + roll(largest * 2)));
    const stream = Buffer.concat(messages);
    const reader = new FrameReader();
    const read: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const chunk = Buffer.from(stream.subarray(at, at + 1 + roll(largest)));
      at += chunk.length;
      reader.push(chunk);
      // Sometimes several messages are ready before the first read.
      if (roll(3) === 0) continue;
      for (let message = reader.next(); message !== null; message = reader.next()) read.push(message);
    }
    for (let message = reader.next(); message !== null; message = reader.next()) read.push(message);
    // Compared at the end, since later chunks must not change messages that were returned.
    assert.deepEqual(read, messages);
    assert.equal(reader.buffered, 0);
  }
});

test("a length that no message can have is an error as soon as it is there", () => {
  for (const length of [-1, 0, HEADER_BYTES - 1, 48_000_001]) {
    const reader = new FrameReader();
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeInt32LE(length, 0);
    reader.push(header.subarray(0, 10));
    assert.equal(reader.next(), null);
    reader.push(header.subarray(10));
    assert.throws(() => reader.next(), { code: 17 });
  }
});
