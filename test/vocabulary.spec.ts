import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, it } from "node:test";
import { identifiersOf, wordsOf } from "./identifiers.ts";
import { filesOf } from "./import-graph.ts";

/** A word, or several in a row, that no identifier and no file name contains. */
interface Retired {
  readonly words: string;
  readonly use: string;
  /** Identifiers, phrases (with a space) and folders (with a slash at the end) for which the rule does not hold. */
  readonly exceptions: ReadonlySet<string>;
}

/** Rows of the table "Retired words": words, replacement, and exceptions in backticks. */
function retiredWords(glossary: string): readonly Retired[] {
  const [, table = ""] = glossary.split("## Retired words");
  const rows = [...table.matchAll(/^\| (.+?) \| (.+?) \| ?(.*?) ?\|$/gm)].slice(1);
  return rows.flatMap(([, words = "", use = "", exceptions = ""]) => {
    const excepted = new Set([...exceptions.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name));
    return words
      .replaceAll(/\(.*?\)/g, "")
      .split(",")
      .map((word) => ({ words: word.trim(), use, exceptions: excepted }));
  });
}

function retiredIn(name: string, file: string, retired: readonly Retired[]): Retired | undefined {
  const words = ` ${wordsOf(name).join(" ")} `;
  return retired.find(({ words: banned, exceptions }) => {
    if (exceptions.has(name)) return false;
    const list = [...exceptions];
    if (list.some((exception) => exception.endsWith("/") && file.startsWith(exception))) return false;
    const phrases = list.filter((exception) => exception.includes(" "));
    const rest = phrases.reduce((text, phrase) => text.replace(` ${phrase} `, "  "), words);
    return rest.includes(` ${banned} `);
  });
}

const retired = retiredWords(readFileSync("docs/glossary.md", "utf8"));

describe("retired words", () => {
  it("are read from the glossary", () => {
    assert.ok(retired.length > 30, `only ${retired.length} words found`);
    const order = retired.find(({ words }) => words === "ordered");
    assert.ok(order?.exceptions.has("orderedConsumer"));
  });

  it("are found in identifiers and file names, and nowhere else", () => {
    const found = (source: string) =>
      [...identifiersOf(source)].filter((name) => retiredIn(name, "x.ts", retired));
    assert.deepEqual(found("const inHand = new Map(); class TaskLedger {}"), ["inHand", "TaskLedger"]);
    assert.deepEqual(found("await Promise.allSettled(all); insertMany(rows, { ordered: false })"), []);
    assert.deepEqual(found('/* the ledger */ const url = "http://books"; // settle'), []);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the source text of a template
    assert.deepEqual(found("text.replace(/ledger/g, `${settled} ledger`)"), ["settled"]);
    assert.deepEqual(found("stopTask(); stopTimer()"), ["stopTask"]);
    assert.equal(retiredIn("task-ledger.ts", "x.ts", retired)?.words, "ledger");
  });

  it("are in no identifier and in no file name", () => {
    const files = filesOf("{services,shared,tools,test,migrations}/**/*.ts").filter(
      (file) => file !== "test/vocabulary.spec.ts",
    );
    const uses = files.flatMap((file) =>
      [...identifiersOf(readFileSync(file, "utf8")), basename(file, ".ts")].flatMap((name) => {
        const found = retiredIn(name, file, retired);
        return found ? [`${file}: ${name} (use ${found.use})`] : [];
      }),
    );
    assert.deepEqual(uses, []);
  });
});
