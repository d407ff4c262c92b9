import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { generatedFiles } from "../tools/generated-files.ts";

describe("generated files", () => {
  for (const [file, generate] of Object.entries(generatedFiles)) {
    it(`${file} is up to date; otherwise: npm run kinit -- docs`, () => {
      assert.equal(readFileSync(file, "utf8"), generate());
    });
  }
});
