import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeDocument } from "../bson/encode.ts";
import { documentOf } from "../bson/values.ts";
import { TimeSlice } from "../pacing/time-slice.ts";
import { BatchWriter, readBatch } from "./batch.ts";
import {
  durableToIn,
  FRAME_HEADER_BYTES,
  FrameScanner,
  fileHeader,
  frameHeader,
  readFileHeader,
} from "./log-frames.ts";

const FORMAT = { version: 2, headerBytes: 0, seed: 7, previous: 0 } as const;

const framedAs = (format: { seed: number; durableTo: number }, ...texts: string[]): Buffer =>
  Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text);
      return [frameHeader({ pieces: [bytes], length: bytes.length }, format), bytes];
    }),
  );
const framed = (...texts: string[]): Buffer => framedAs({ seed: FORMAT.seed, durableTo: 0 }, ...texts);

/** Reads the frames of bytes that arrive in pieces of one size, until nothing more can be read. */
function scan(bytes: Buffer, piece: number): { batches: string[]; consumed: number } {
  const scanner = new FrameScanner(FORMAT);
  const batches: string[] = [];
  let at = 0;
  for (;;) {
    const batch = scanner.next();
    const isOver = batch === "damaged" || (batch === null && at >= bytes.length);
    if (isOver) return { batches, consumed: scanner.consumed };
    if (batch !== null) batches.push(batch.toString());
    else {
      scanner.push(bytes.subarray(at, at + piece));
      at += piece;
    }
  }
}

describe("frames of the log", () => {
  it("are read back from pieces of any size", () => {
    const bytes = framed("one", "", "three".repeat(100));
    for (const piece of [1, 3, 7, 8, 9, 64, bytes.length]) {
      const { batches, consumed } = scan(bytes, piece);
      assert.deepEqual(batches, ["one", "", "three".repeat(100)]);
      assert.equal(consumed, bytes.length);
    }
  });

  it("end at a frame that is cut short at any byte", () => {
    const [first, second] = [framed("first"), framed("second")];
    for (let cut = 0; cut < second.length; cut++) {
      const { batches, consumed } = scan(Buffer.concat([first, second.subarray(0, cut)]), 16);
      assert.deepEqual([batches, consumed], [["first"], first.length], `cut at ${cut}`);
    }
  });

  it("are damaged or incomplete when any single bit is changed", () => {
    const bytes = framed("payload");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.deepEqual(scan(changed, changed.length).batches, [], `bit ${bit}`);
    }
    assert.equal(bytes.length, FRAME_HEADER_BYTES + "payload".length);
  });
});

describe("the durable length of a file", () => {
  const changed = framedAs({ seed: FORMAT.seed, durableTo: 500 }, "one");
  changed[9]! ^= 1;
  for (const [what, bytes, durableTo] of [
    [
      "is told by a frame behind any bytes",
      [Buffer.from("broken"), framed(""), framedAs({ seed: 7, durableTo: 900 }, "x")],
      900,
    ],
    ["is not told by a frame of another file", [framedAs({ seed: 8, durableTo: 900 }, "x")], 0],
    ["is not told by a frame that was changed", [changed], 0],
    [
      "is told by the header alone",
      [framedAs({ seed: 7, durableTo: 900 }, "longer").subarray(0, FRAME_HEADER_BYTES)],
      900,
    ],
    ["is not told by less than a header", [framedAs({ seed: 7, durableTo: 900 }, "x").subarray(0, 21)], 0],
  ] as const) {
    it(what, () => assert.equal(durableToIn(Buffer.concat(bytes), FORMAT), durableTo));
  }
});

describe("the header of a file", () => {
  it("contains the length of the previous log, and is invalid when any single bit is changed", () => {
    const header = fileHeader({ seed: 4_294_967_295, previous: 281_474_976_710_655 });
    assert.deepEqual(readFileHeader(header), {
      version: 2,
      headerBytes: header.length,
      seed: 4_294_967_295,
      previous: 281_474_976_710_655,
    });
    for (let bit = 0; bit < header.length * 8; bit++) {
      const changed = Buffer.from(header);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      assert.notEqual(readFileHeader(changed)?.version, 2, `bit ${bit}`);
    }
  });
});

describe("batches", () => {
  it("return their operations in order", async () => {
    const writer = new BatchWriter();
    assert.equal(writer.isEmpty, true);
    const document = encodeDocument(documentOf({ _id: 1 }));
    writer.catalog(documentOf({ op: "create" }));
    writer.put(4_294_967_295, 281_474_976_710_655, document);
    writer.remove(7, 8);
    writer.session(documentOf({ number: 9n }));
    const size = writer.size;
    const { pieces, length } = writer.finish();
    const batch = Buffer.concat(pieces);
    assert.deepEqual([length, batch.length], [size, size]);
    const read: unknown[] = [];
    const reader = {
      put: (...operation: unknown[]) => read.push(operation),
      remove: (...operation: unknown[]) => read.push(operation),
      catalog: (change: unknown) => read.push(change),
      session: (entry: unknown) => read.push(entry),
    };
    await readBatch(batch, reader, new TimeSlice());
    const [change, [collectionId, recordId, bytes], removed, entry] = read as [
      Map<string, unknown>,
      [number, number, Uint8Array],
      number[],
      Map<string, unknown>,
    ];
    assert.equal(change.get("op"), "create");
    assert.deepEqual([collectionId, recordId], [4_294_967_295, 281_474_976_710_655]);
    assert.deepEqual(Buffer.from(bytes), Buffer.from(document));
    assert.deepEqual(removed, [7, 8]);
    assert.equal(entry.get("number"), 9n);
  });
});
