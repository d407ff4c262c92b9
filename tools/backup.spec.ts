import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { freePort } from "../test/free-port.ts";
import { httpApi } from "../test/stories/api.ts";
import { type StoryProcess, startProcess } from "../test/stories/process.ts";

describe("a backup", () => {
  let dir: string;
  const running: StoryProcess[] = [];

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "kinit-backup-"));
  });
  afterEach(() => Promise.all(running.splice(0).map((started) => started.stop())));
  after(() => rm(dir, { recursive: true, force: true }));

  function start(DATA_DIR: string): StoryProcess {
    const started = startProcess("tools/run.mjs", ["start"], {
      DATA_DIR,
      SERVER_PORT: "0",
      MOLECULER_CALL_ALLOW: "scheduler.status",
    });
    running.push(started);
    return started;
  }
  async function kinit(words: readonly string[], DATA_DIR = join(dir, "none")) {
    const command = startProcess("tools/run.mjs", ["kinit", ...words], { DATA_DIR });
    return { status: await command.ended(), output: command.output() };
  }
  async function succeeds(words: readonly string[], DATA_DIR: string): Promise<string> {
    const { status, output } = await kinit(words, DATA_DIR);
    assert.equal(status, 0, output);
    return output;
  }

  it("of a running platform in one process is consistent and can be restored into an empty directory", async () => {
    const [data, restored] = [join(dir, "data"), join(dir, "restored")];
    const platform = start(data);
    const [, address = ""] = await platform.line(/listens on (http\S+)/);
    const api = httpApi(address);
    const task = { job_class: "moleculer.call", job_params: { action: "scheduler.status", params: {} } };
    const tasks = Array.from({ length: 50 }, () =>
      api.create({ ...task, exec_strategy: "interval", expression: "1 * * * *" }),
    );
    const [first = ""] = await Promise.all(tasks);
    await api.recordsWhen(first, (records) => records.some(({ status }) => status === "succeeded"));
    const [live, stopped] = [join(dir, "live.jsonl"), join(dir, "stopped.jsonl")];
    assert.match(
      await succeeds(["mongo", "dump", "--out", live], data),
      /^dumped \d{3,} documents of \d+ collections: .*live\.jsonl$/,
    );
    assert.match(await succeeds(["due"], data), /^30 further tasks; --limit 0 shows all$/m);
    assert.match(await succeeds(["lease"], data), /^state +held$/m);
    assert.equal(await platform.stop(), 0);
    assert.match(await succeeds(["lease"], data), /^state +released/m);
    await succeeds(["mongo", "dump", "--out", stopped], data);
    assert.ok((await readFile(stopped)).length > (await readFile(live)).length);

    assert.match(await succeeds(["mongo", "restore", "--in", live], restored), /^restored \d{3,} documents/);
    assert.match(await succeeds(["replay", "--check"], restored), /^No difference/m);
    const again = await kinit(["mongo", "restore", "--in", live], restored);
    assert.equal(again.status, 1);
    assert.match(again.output, /^the collection kinit\.\w+ exists already: [^\n]+$/);
  });

  it("does not replace a file", async () => {
    const file = join(dir, "precious");
    await writeFile(file, "mine");
    const { status, output } = await kinit([
      "mongo",
      "dump",
      "--url",
      "mongodb://127.0.0.1:1",
      "--out",
      file,
    ]);
    assert.equal(status, 1);
    assert.match(output, /^\S+precious exists already: [^\n]+$/);
    assert.equal(await readFile(file, "utf8"), "mine");
  });

  it("leaves no file if it fails", async () => {
    const url = `mongodb://127.0.0.1:${await freePort()}`;
    const target = await mkdtemp(join(dir, "target-"));
    const { status, output } = await kinit(["mongo", "dump", "--url", url, "--out", join(target, "x")]);
    assert.equal(status, 1);
    assert.match(output, /^MongoDB \(--url\) cannot be reached: [^\n]*ECONNREFUSED[^\n]*$/);
    assert.deepEqual(await readdir(target), []);
  });

  it("names what is missing", async () => {
    const wrong: [string[], RegExp][] = [
      [["mongo", "dump", "--out", join(dir, "y")], /^There is no data in \S+none\/mongo: [^\n]+$/],
      [
        ["mongo", "dump", "--url", "nonsense", "--out", join(dir, "y")],
        /^--url is not a connection string; [^\n]+$/,
      ],
      [["mongo", "restore", "--in", join(dir, "nope")], /^\S+nope cannot be read: ENOENT[^\n]+$/],
      [["replay", "--check"], /^There is no data in \S+none\/mongo: [^\n]+$/],
    ];
    for (const [words, message] of wrong) {
      const { status, output } = await kinit(words);
      assert.equal(status, 1);
      assert.match(output, message);
    }
  });
});
