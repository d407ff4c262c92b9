import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RunLog } from "./run-log.ts";
import {
  BATCH_MAX_BYTES,
  BATCH_MAX_LINES,
  cutText,
  LINE_MAX_BYTES,
  RUN_MAX_LINES,
  WAITING_MAX_BYTES,
} from "./size-limits.ts";

const at = "2026-01-05T08:00:00.000Z";
const filled = (count: number, message: string) => {
  const log = new RunLog();
  for (let index = 0; index < count; index++) log.write(at, "info", message);
  return log;
};
const bytesOf = (lines: readonly { message: string }[]) =>
  lines.reduce((sum, { message }) => sum + Buffer.byteLength(message), 0);

describe("run log", () => {
  it("returns its lines in order, and each once", () => {
    const log = new RunLog();
    log.write(at, "info", "one");
    log.write(at, "warn", "two");
    assert.deepEqual(log.take(), [
      { at, level: "info", message: "one" },
      { at, level: "warn", message: "two" },
    ]);
    assert.deepEqual(log.take(), []);
    assert.equal(log.isEmpty, true);
  });

  it("limits the lines of a batch", () => {
    const log = filled(BATCH_MAX_LINES + 1, "x");
    assert.equal(log.fitsOneBatch, false);
    assert.equal(log.take().length, BATCH_MAX_LINES);
    assert.equal(log.fitsOneBatch, true);
    assert.equal(log.take().length, 1);
  });

  it("limits the bytes of a batch, and loses no line", () => {
    const log = filled(20, "é".repeat(4000));
    const batches = [];
    while (!log.isEmpty) batches.push(log.take());
    assert.ok(batches.length > 1);
    for (const batch of batches) assert.ok(bytesOf(batch) <= BATCH_MAX_BYTES);
    assert.equal(batches.flat().length, 20);
  });

  it("cuts a long line and notes that", () => {
    const [line] = filled(1, "é".repeat(LINE_MAX_BYTES)).take();
    assert.match(line?.message ?? "", /^é{4096}… \[8192 bytes cut\]$/);
  });

  it("counts lines beyond the limit of a run in one line at its end", () => {
    const log = new RunLog();
    const kept = [];
    for (let index = 0; index < RUN_MAX_LINES + 5; index++) {
      log.write(at, "debug", "x");
      if (index % 500 === 0) kept.push(...log.take());
    }
    log.close(at);
    while (!log.isEmpty) kept.push(...log.take());
    assert.equal(kept.length, RUN_MAX_LINES + 1);
    assert.match(kept.at(-1)?.message ?? "", /^5 more lines left out/);
  });

  it("limits the bytes that wait while nothing can be published", () => {
    const log = filled(400, "x".repeat(LINE_MAX_BYTES));
    log.close(at);
    const lines = [];
    while (!log.isEmpty) lines.push(...log.take());
    assert.ok(bytesOf(lines) <= WAITING_MAX_BYTES + LINE_MAX_BYTES);
    assert.match(lines.at(-1)?.message ?? "", /more lines left out/);
  });
});

describe("cut text", () => {
  it("keeps text that fits", () => assert.equal(cutText("héllo", 6), "héllo"));
  it("never splits a character", () => {
    assert.equal(cutText("héllo", 2), "h… [5 bytes cut]");
    assert.equal(cutText("a😀b", 3), "a… [5 bytes cut]");
    assert.equal(cutText("a😀b", 5), "a😀… [1 bytes cut]");
  });
});
