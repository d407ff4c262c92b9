import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentIds } from "./recent-ids.ts";

test("the last ids are known, up to half the limit at least and the limit at most", () => {
  const recent = new RecentIds(100);
  const ids = Array.from({ length: 1000 }, (_, index) => String(index));
  for (const id of ids) {
    recent.add(id);
    assert.ok(recent.has(id));
  }
  const known = ids.filter((id) => recent.has(id));
  assert.ok(known.length >= 50 && known.length <= 100, `${known.length} known`);
  assert.deepEqual(known, ids.slice(-known.length));
});
