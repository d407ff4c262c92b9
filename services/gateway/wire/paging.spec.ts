import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pagingFields, toPaging } from "./paging.ts";
import { Faults, InvalidInput, readFields } from "./wire-validation.ts";

function paging(query: Record<string, string>) {
  const values = readFields(pagingFields, query);
  assert.ok(!(values instanceof Faults));
  return toPaging(values, { name: "name", create_datetime: "createdAt", job_class: "handler" });
}

describe("paging", () => {
  const rows: readonly [Record<string, string>, object][] = [
    [{}, { page: 1, limit: 10 }],
    [
      { page: "3", limit: "0" },
      { page: 3, limit: 0 },
    ],
    [{ v_order: "desc" }, { page: 1, limit: 10, orderField: "createdAt", order: "desc" }],
    [{ v_order: "descending" }, { page: 1, limit: 10, orderField: "createdAt", order: "desc" }],
    [{ v_order: "DESC" }, { page: 1, limit: 10, orderField: "createdAt", order: "asc" }],
    [{ v_order: "asc" }, { page: 1, limit: 10, orderField: "createdAt", order: "asc" }],
    [{ v_order_field: "job_class" }, { page: 1, limit: 10, orderField: "handler", order: "asc" }],
    [{ v_order_field: "constructor" }, { page: 1, limit: 10, orderField: "id", order: "asc" }],
    [{ v_order_field: "__proto__" }, { page: 1, limit: 10, orderField: "id", order: "asc" }],
    [
      { v_order_field: "no_such_field", v_order: "desc" },
      { page: 1, limit: 10, orderField: "id", order: "desc" },
    ],
    [{ v_order_field: "name" }, { page: 1, limit: 10, orderField: "name", order: "asc" }],
    [
      { v_order_field: "name", v_order: "desc" },
      { page: 1, limit: 10, orderField: "name", order: "desc" },
    ],
    [
      { v_order_field: "", v_order: "" },
      { page: 1, limit: 10 },
    ],
    [
      { page: "9".repeat(30), limit: "99999999999" },
      { page: 2147483647, limit: 2147483647 },
    ],
  ];
  for (const [query, expected] of rows) {
    it(`reads ${JSON.stringify(query)}`, () => assert.deepEqual(paging(query), expected));
  }

  const rejected: readonly [Record<string, string>, string][] = [
    [{ page: "0" }, "page"],
    [{ page: "-1" }, "page"],
    [{ limit: "-1" }, "limit"],
    [{ v_order_field: "$where" }, "v_order_field"],
    [{ v_order_field: "a b" }, "v_order_field"],
  ];
  for (const [query, field] of rejected) {
    it(`rejects ${JSON.stringify(query)} and names ${field}`, () => {
      assert.throws(
        () => paging(query),
        (error) =>
          error instanceof InvalidInput && error.errors[0]?.field === field && error.message.includes(field),
      );
    });
  }
});
