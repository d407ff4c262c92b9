import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../errors.ts";
import { Requeue } from "../bus.ts";
import { deliverBatch } from "./deliver-batch.ts";

/** Delivers a batch and returns the steps. */
async function steps(
  items: readonly number[],
  handle: (items: readonly number[]) => void,
  mayRetry: (attempts: number) => boolean = () => true,
): Promise<string[]> {
  const log: string[] = [];
  await deliverBatch(items, {
    handle(some) {
      log.push(`try ${some}`);
      handle(some);
    },
    async waitToRetry(attempts) {
      log.push(`wait ${attempts}`);
      return mayRetry(attempts);
    },
    handled: (some) => log.push(`handled ${some}`),
    requeued: (some) => log.push(`requeued ${some}`),
    failed: (item, error) => log.push(`failed ${item}: ${(error as Error).message}`),
  });
  return log;
}
const retryable = () => new AppError("away", { type: "STORE_UNAVAILABLE" });

test("a handled batch is reported whole", async () => {
  assert.deepEqual(await steps([1, 2, 3], () => {}), ["try 1,2,3", "handled 1,2,3"]);
});

test("a retryable error repeats the whole batch", async () => {
  let left = 2;
  const log = await steps([1, 2], () => {
    if (left-- > 0) throw retryable();
  });
  assert.deepEqual(log, ["try 1,2", "wait 1", "try 1,2", "wait 2", "try 1,2", "handled 1,2"]);
});

test("a batch that must not be retried is requeued", async () => {
  const log = await steps(
    [1, 2],
    () => {
      throw retryable();
    },
    (attempts) => attempts < 2,
  );
  assert.deepEqual(log, ["try 1,2", "wait 1", "try 1,2", "wait 2", "requeued 1,2"]);
});

test("a requeued batch is neither retried nor halved", async () => {
  const log = await steps([1, 2], () => {
    throw new Requeue("stopping");
  });
  assert.deepEqual(log, ["try 1,2", "requeued 1,2"]);
});

test("any other error halves the batch until the failing items are found", async () => {
  const log = await steps([1, 2, 3, 4, 5], (items) => {
    const failing = items.find((item) => item === 2 || item === 5);
    if (failing) throw new Error(`not ${failing}`);
  });
  assert.deepEqual(log, [
    "try 1,2,3,4,5",
    "try 1,2,3",
    "try 1,2",
    "try 1",
    "handled 1",
    "try 2",
    "failed 2: not 2",
    "try 3",
    "handled 3",
    "try 4,5",
    "try 4",
    "handled 4",
    "try 5",
    "failed 5: not 5",
  ]);
});

test("a half that fails with a retryable error is retried as that half", async () => {
  let isAway = true;
  const log = await steps([1, 2, 3], (items) => {
    if (items.includes(3) && items.length > 1) throw new Error("not 3 with others");
    if (!items.includes(1) || !isAway) return;
    isAway = false;
    throw retryable();
  });
  assert.deepEqual(log, ["try 1,2,3", "try 1,2", "wait 1", "try 1,2", "handled 1,2", "try 3", "handled 3"]);
});
