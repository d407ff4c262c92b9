import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Language, languageOf } from "./language.ts";

describe("languageOf", () => {
  const cases: readonly [header: string | undefined, language: Language][] = [
    [undefined, "zh"],
    ["", "zh"],
    ["*", "zh"],
    ["fr-FR", "zh"],
    ["en", "en"],
    ["EN-us", "en"],
    ["zh-CN,zh;q=0.9,en;q=0.8", "zh"],
    ["en;q=0.2, zh;q=0.9", "zh"],
    ["fr, en;q=0.3", "en"],
    ["en;q=0", "zh"],
    ["en;q=x", "zh"],
    ["english", "zh"],
  ];
  for (const [header, language] of cases) {
    it(`of ${header} is ${language}`, () => assert.equal(languageOf(header), language));
  }
});
