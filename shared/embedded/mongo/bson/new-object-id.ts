import { ObjectId } from "./values.ts";

const PROCESS_PART = Math.floor(Math.random() * 0x10000000000);
let counter = Math.floor(Math.random() * 0x1000000);

/** Seconds, five random bytes of this process, a counter. */
export function newObjectId(): ObjectId {
  counter = (counter + 1) & 0xffffff;
  const seconds = Math.floor(Date.now() / 1000);
  const upper = Math.floor(PROCESS_PART / 0x1000000);
  const lower = PROCESS_PART % 0x1000000;
  return new ObjectId(seconds * 0x10000 + upper, lower * 0x1000000 + counter);
}
