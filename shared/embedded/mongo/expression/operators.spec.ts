import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { compileAccumulator } from "../aggregate/accumulators.ts";
import { compilePipeline } from "../aggregate/pipeline.ts";
import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { compileMatch } from "../query/match.ts";
import { compileUpdate } from "../update/update.ts";
import { compileExpression } from "./expression.ts";
import { Scope } from "./scope.ts";

const only = (name: string, value: BsonValue): BsonDocument => new Map([[name, value]]);

/** How to look up an operator of each kind in the table, and the codes for unknown operators. */
const KINDS: readonly (readonly [RegExp, (name: string) => unknown, readonly number[]])[] = [
  [/^Updates: stages/, (name) => compileUpdate([only(name, null)]), [40324, 72]],
  [/^Updates/, (name) => compileUpdate(only(name, new Map([["a", 1]]))), []],
  [/^Accumulators/, (name) => compileAccumulator(name, null, new Scope()), [15952]],
  [/^Expressions/, (name) => compileExpression(only(name, null), new Scope()), [168]],
  [
    /^Stages$/,
    (name) =>
      compilePipeline([only(name, null)], {
        namespace: { db: "test" },
        scope: new Scope(),
        pace: { isOver: () => false, pause: async () => {} },
        readCollection: () => [],
      }),
    [40324],
  ],
];

function isKnown(call: () => unknown, unknown: readonly number[]): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (!(error instanceof CommandFault)) throw error;
    return error.code !== 115 && !unknown.includes(error.code) && !/^Unknown modifier/.test(error.message);
  }
}

const isKnownFilter = (name: string): boolean =>
  [only(name, [new Map()]), only("a", only(name, "1"))].some((filter) => {
    try {
      compileMatch(filter);
      return true;
    } catch (error) {
      return (
        error instanceof CommandFault &&
        error.code !== 115 &&
        !/^unknown (top level )?operator/.test(error.message)
      );
    }
  });

test("every operator in the table exists", async () => {
  const table = await readFile(new URL("../operators.md", import.meta.url), "utf8");
  let called = 0;
  for (const [, kind, cell] of table.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)) {
    // The clauses of `$push` in brackets are no operators of their own.
    const names = [...cell!.replace(/\([^)]*\)/g, "").matchAll(/`(\$[a-z]\w*)`/gi)].map(([, name]) => name!);
    const found = KINDS.find(([pattern]) => pattern.test(kind!));
    for (const name of names) {
      if (found)
        assert.ok(
          isKnown(() => found[1](name), found[2]),
          `${kind}: ${name}`,
        );
      else if (/^Filters/.test(kind!)) assert.ok(isKnownFilter(name), `${kind}: ${name}`);
      else continue;
      called++;
    }
  }
  assert.ok(called > 200, `${called} operators`);
});
