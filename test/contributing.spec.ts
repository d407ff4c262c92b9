import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { LIMIT_MS } from "./eventually.ts";
import { applied, snippetsOf } from "./snippets.ts";

const PAGE = "CONTRIBUTING.md";

const COPIED = [
  "services",
  "shared",
  "migrations",
  "tools",
  "test",
  "tsconfig.json",
  "biome.json",
  ".gitignore",
  "package.json",
];
/** The embedded server is found in `node_modules`; the tests of containers import its fixtures. */
const isCopied = (path: string) => !/^(shared\/embedded\/mongo|test\/containers)/.test(path);

describe("the code of CONTRIBUTING.md", () => {
  const snippets = snippetsOf(readFileSync(PAGE, "utf8"));
  let dir: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), "kinit-contributing-"));
    for (const name of COPIED) cpSync(name, join(dir, name), { recursive: true, filter: isCopied });
    symlinkSync(resolve("node_modules"), join(dir, "node_modules"));
    for (const snippet of snippets) {
      const path = join(dir, snippet.file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, applied(snippet.position === "whole" ? "" : readFileSync(path, "utf8"), snippet));
    }
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** @throws AssertionError with the output of a command that fails */
  async function run(command: string, ...args: readonly string[]): Promise<void> {
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const options = { cwd: dir, env, timeout: 2 * LIMIT_MS };
    await promisify(execFile)(command, args, options).catch(({ stdout, stderr, message }) =>
      assert.fail(`${message}\n${stdout}\n${stderr}`),
    );
  }

  it("all belongs to a file", () => {
    const blocks = readFileSync(PAGE, "utf8").match(/^```ts/gm) ?? [];
    assert.equal(snippets.length, blocks.length);
    assert.ok(snippets.length > 10);
  });

  it("compiles", () => run("node_modules/.bin/tsc", "--noEmit"));

  it("is formatted as everything else", () => {
    const files = [...new Set(snippets.map(({ file }) => file))];
    return run("node_modules/.bin/biome", "check", ...files);
  });

  it("passes its tests", () =>
    run(
      process.execPath,
      "--test",
      "services/executor/handlers/text-count.spec.ts",
      "services/scheduler/task/task.spec.ts",
    ));
});
