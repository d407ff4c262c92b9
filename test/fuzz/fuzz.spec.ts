import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzz } from "./fuzz-run.ts";

describe("generated requests", () => {
  it("get a response in JSON that is no 500", { timeout: 300_000 }, async () => {
    const { counts, failures } = await fuzz(200, 1);
    assert.deepEqual(failures, []);
    assert.ok((counts["200/200"] ?? 0) > 30, JSON.stringify(counts));
    assert.ok((counts["200/400"] ?? 0) > 30, JSON.stringify(counts));
  });
});
