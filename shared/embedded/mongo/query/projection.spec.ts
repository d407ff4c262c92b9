import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON, type Document } from "mongodb";
import { canonical, docOf } from "../bson/official.fixture.ts";
import { compileProjection } from "./projection.ts";
import { projectedDocument, projectionCases } from "./projection-cases.fixture.ts";

test("projections return the same fields as MongoDB, in the same order", () => {
  for (const [projection, expected, filter] of projectionCases) {
    const project = compileProjection(docOf(projection), filter && docOf(filter));
    assert.equal(
      canonical(project(docOf(projectedDocument))),
      canonical(docOf(expected)),
      BSON.EJSON.stringify(projection),
    );
  }
});

test("contradictory projections fail with the server's code", () => {
  const faults: readonly (readonly [Document, number, Document?])[] = [
    [{ "l.$": 1 }, 31277],
    [{ "l.$": 1 }, 31277, { a: 1, $or: [{ e: 1 }] }],
    [{ "a.$": 1, "l.$": 1 }, 31276, { a: 1, l: 1 }],
    [{ a: 1, b: 0 }, 31254],
    [{ a: 0, b: 1 }, 31253],
    [{ b: 1, "b.c": 1 }, 31249],
    [{ "b.c": 1, b: 1 }, 31250],
    [{ a: 0, z: "$e" }, 31252],
    [{ "a.": 1 }, 40353],
    [{ $a: 1 }, 16410],
    [{ a: { $bogus: 1 } }, 168],
    [{ a: { $meta: "textScore" } }, 115],
  ];
  for (const [projection, code, filter] of faults) {
    assert.throws(
      () => compileProjection(docOf(projection), filter && docOf(filter)),
      { code },
      JSON.stringify(projection),
    );
  }
});
