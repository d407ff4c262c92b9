import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { describe, it } from "node:test";
import { filesOf } from "./import-graph.ts";
import { applied, snippetsOf } from "./snippets.ts";

const pages = filesOf("{*.md,docs/**/*.md}").filter((page) => page !== "CHANGELOG.md");
const sources = filesOf("{services,shared,migrations,tools,test}/**/*.{ts,mjs}");
const names = new Set(sources.map((file) => basename(file)));

/** Text between backticks, outside of code blocks. */
const quoted = (text: string): readonly string[] =>
  [...text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, code = ""]) => code);

describe("documents", () => {
  for (const page of pages) {
    const text = readFileSync(page, "utf8");

    it(`${page} has no dead link`, () => {
      const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
      const dead = targets.filter(
        (target) => !/^[a-z]+:/.test(target) && !existsSync(normalize(join(dirname(page), target))),
      );
      assert.deepEqual(dead, []);
    });
  }

  it("name the lines of the files that their code belongs to", () => {
    const edited = new Map<string, string>();
    for (const snippet of snippetsOf(readFileSync("CONTRIBUTING.md", "utf8"))) {
      const { file, position } = snippet;
      const source = position === "whole" ? "" : (edited.get(file) ?? readFileSync(file, "utf8"));
      edited.set(file, applied(source, snippet));
    }
    assert.ok(edited.size > 10);
  });

  it("of today name files that exist", () => {
    // Decisions name the files of their time; CONTRIBUTING.md also those that it adds.
    const today = pages.filter((page) => !page.startsWith("docs/adr/") && page !== "CONTRIBUTING.md");
    const missing = today.flatMap((page) =>
      quoted(readFileSync(page, "utf8"))
        .filter((code) => /^[\w./-]+\.(ts|mjs)$/.test(code))
        .filter((file) =>
          file.startsWith("watch") ? false : !names.has(basename(file)) && !existsSync(file),
        )
        .map((file) => `${page}: ${file}`),
    );
    assert.deepEqual(missing, []);
  });
});
