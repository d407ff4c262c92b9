import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { describe, it } from "node:test";
import { startProcess } from "../test/stories/process.ts";
import { readOptions } from "./command-line.ts";

async function outcomeOf(words: readonly string[]) {
  const command = startProcess("tools/run.mjs", words, { SERVER_PORT: "0" });
  return { status: await command.ended(), output: command.output() };
}

describe("a command", { concurrency: 4 }, () => {
  for (const words of [["start"], ["service"], ["kinit"], ["kinit", "mongo", "dump"], ["kinit", "stream"]]) {
    it(`${words.join(" ")} --help shows its usage and does nothing else`, async () => {
      const { status, output } = await outcomeOf([...words, "--help"]);
      assert.equal(status, 0, output);
      assert.match(output, /^Usage: /);
    });
  }

  const refused: [string[], RegExp][] = [
    [["start", "--nope"], /^Unknown option '--nope'\.\n\nUsage: npm start/],
    [["service", "gateway", "gateway"], /^'gateway' is named twice\.\n\nUsage: npm run service/],
    [["kinit", "stream"], /^<id> is missing\.\n\nUsage: npm run kinit -- stream <id>/],
    [["kinit", "replay", "check"], /^Unexpected argument 'check'\.\n\nUsage: /],
  ];
  for (const [words, message] of refused) {
    it(`${words.join(" ")} is rejected with the usage`, async () => {
      const { status, output } = await outcomeOf(words);
      assert.equal(status, 1);
      assert.match(output, message);
    });
  }

  it("kinit docs --nope writes nothing", async () => {
    const before = await stat(".env.example");
    const { status, output } = await outcomeOf(["kinit", "docs", "--nope"]);
    assert.equal(status, 1);
    assert.match(output, /^Unknown option '--nope'\./);
    assert.equal((await stat(".env.example")).mtimeMs, before.mtimeMs);
  });
});

describe("the options of a command", () => {
  const read = (...words: string[]) =>
    readOptions(words, { texts: ["out"], flags: ["check"], usage: "Usage: x" });

  it("are read by name", () => {
    assert.deepEqual({ ...read("--out", "a", "--check") }, { out: "a", check: true });
    assert.deepEqual({ ...read() }, {});
  });
  it("are rejected if they are unknown, so that a typo does nothing else", () => {
    for (const words of [["--chek"], ["check"], ["--check", "now"], ["--out"], ["--check=1"]])
      assert.throws(() => read(...words), { type: "USAGE", message: /\n\nUsage: x$/ });
  });
});
