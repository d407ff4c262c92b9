import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { errorTypes } from "../../shared/contracts/errors.ts";
import { AppError } from "../../shared/errors.ts";

/** The table itself and the gateway's texts name every type; a use is anywhere else. */
const TABLES = new Set(["shared/contracts/errors.ts", "services/gateway/texts/error-texts.ts"]);
const sources = globSync("{shared,services,tools,migrations}/**/*.ts")
  .filter((file) => !/\.(spec|fixture)\.ts$|^shared\/embedded\//.test(file) && !TABLES.has(file))
  .map((file) => readFileSync(file, "utf8"));
const declared = Object.keys(errorTypes);

describe("the table of error types", () => {
  it("has every type that is used", () => {
    const used = sources.flatMap((text) =>
      [...text.matchAll(/\btype(?: =|:) "([A-Z0-9]+_[A-Z0-9_]+)"/g)].map(([, type = ""]) => type),
    );
    assert.ok(used.length > 40, `only ${used.length} uses found`);
    assert.deepEqual([...new Set(used)].filter((type) => !declared.includes(type)).sort(), []);
  });

  it("has no type that is not used", () => {
    const isUsed = (type: string) => sources.some((text) => text.includes(`"${type}"`));
    assert.deepEqual(
      declared.filter((type) => !isUsed(type)),
      [],
    );
  });

  it("gives an error its code and whether it is retryable", () => {
    const full = new AppError("full", { type: "BUS_FULL" });
    assert.deepEqual([full.code, full.retryable], [503, true]);
    const missing = new AppError("none", { type: "TASK_NOT_FOUND" });
    assert.deepEqual([missing.code, missing.retryable], [404, false]);
    const depending = new AppError("404", { type: "HTTP_STATUS", retryable: false });
    assert.equal(depending.retryable, false);
  });

  it("does not compile with other types, nor without a statement where it depends", () => {
    // @ts-expect-error: no such type
    assert.ok(new AppError("text", { type: "TASK_NOT_FUOND" }));
    // @ts-expect-error: whether it is retryable depends on the status
    assert.ok(new AppError("text", { type: "HTTP_STATUS" }));
    // @ts-expect-error: the code follows from the type
    assert.ok(new AppError("text", { type: "BUS_FULL", code: 500 }));
  });

  it("restores an error of a type that it does not have", () => {
    const old = AppError.restored({ type: "LONG_GONE", message: "text", code: 410, data: null });
    assert.deepEqual([old.type, old.code, old.retryable], ["LONG_GONE", 410, false]);
  });
});
