import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { endsAndHolds } from "../../test/ends-and-holds.ts";
import { eventually } from "../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { type Platform, startPlatform } from "../../test/platform.ts";
import { inspectCommand } from "./inspect-command.ts";
import { inspectionNamed } from "./inspections.ts";
import { replOptions } from "./repl-commands.ts";

const { handlers, release } = endsAndHolds();

describe("inspection of a running platform", () => {
  let mongo: TestMongo;
  let platform: Platform;
  let hourly: string;
  let once: string;
  before(async () => {
    mongo = await startTestMongo();
    platform = await startPlatform({ mongo, handlers });
    hourly = await platform.create({
      name: "hourly",
      handler: "test.ends",
      params: {},
      expression: "0 0 1 * *",
    });
    const holds = {
      name: "holds",
      handler: "test.holds",
      params: {},
      strategy: "once",
      expression: null,
    } as const;
    once = await platform.create(holds);
    await eventually(async () => (await read("task", once)).task.openRuns.length === 1);
  });
  after(async () => {
    release();
    await platform?.stop();
    await mongo?.close();
  });

  async function run(name: string, ...words: string[]): Promise<string> {
    const printed: string[] = [];
    const inspection = inspectionNamed(name);
    assert.ok(inspection);
    const terminal = { loadConfig: () => platform.config, print: (line: string) => void printed.push(line) };
    await inspectCommand(inspection, words, terminal);
    return printed.join("\n");
  }
  // biome-ignore lint/suspicious/noExplicitAny: what JSON.parse returns
  const read = async (name: string, ...words: string[]): Promise<any> =>
    JSON.parse(await run(name, ...words, "--json"));

  it("due lists tasks by their next occurrence", async () => {
    const later = await platform.create({
      name: "daily",
      handler: "test.ends",
      params: {},
      expression: "0 0 0 1 *",
    });
    const { tasks, total } = await read("due");
    assert.equal(total, 2);
    assert.deepEqual(
      tasks.map(({ id, name, handler, openRuns }: Record<string, unknown>) => ({
        id,
        name,
        handler,
        openRuns,
      })),
      [
        { id: hourly, name: "hourly", handler: "test.ends", openRuns: 0 },
        { id: later, name: "daily", handler: "test.ends", openRuns: 0 },
      ],
    );
    assert.ok(tasks[0].dueInMs > 3_500_000 && tasks[0].dueInMs <= 3_600_000, tasks[0].dueInMs);
    assert.match(
      await run("due", "--limit", "1"),
      /^DUE IN .*\n(60 min|1\.0 h) .*hourly.*\n1 further task; --limit 0 shows all$/,
    );
  });

  it("task shows the definition, the open runs and the latest records", async () => {
    const { task } = await read("task", once);
    assert.deepEqual([task.name, task.status, task.nextRunAt], ["holds", "finished", null]);
    assert.equal(task.openRuns[0].isRevoked, false);
    const text = await run("task", once);
    assert.match(text, /^handler {10}test\.holds \{\}$/m);
    assert.match(text, new RegExp(`^Open runs:\n {2}${task.openRuns[0].runId} `, "m"));
    assert.match(await run("task", hourly), /^No open runs\.$/m);
  });

  it("stream shows the newest events, the oldest of them first", async () => {
    const { stream, total, events } = await read("stream", once);
    assert.deepEqual([stream, total], [`task-${once}`, 3]);
    const types = events.map(({ type }: { type: string }) => type);
    assert.deepEqual(types, ["task.created", "task.due", "task.finished"]);
    assert.equal((await read("stream", `task-${once}`)).total, 3, "also by the stream's name");
    assert.match(
      await run("stream", once, "--limit", "1"),
      /^task-\w+: 3 events\n2 earlier events; --limit 0 shows all\n3 {2}20\S+Z {2}task\.finished {2}\{.*\}$/,
    );
  });

  it("lease names the leader and its epoch", async () => {
    const { leases } = await read("lease");
    const [{ state, holder, pid, epoch, fencedEpoch }] = leases;
    assert.deepEqual(
      { state, holder, pid, epoch, fencedEpoch },
      { state: "held", holder: platform.broker.nodeID, pid: process.pid, epoch: 1, fencedEpoch: 1 },
    );
    assert.match(await run("lease"), /^state {5}held$/m);
  });

  it("outbox counts the events that are not published yet", async () => {
    const published = await eventually(async () => {
      const { outboxes } = await read("outbox");
      const scheduler = outboxes.find(({ service }: { service: string }) => service === "scheduler");
      return scheduler.unpublished <= 1 && scheduler;
    });
    assert.deepEqual([published.pid, published.hasEnded], [process.pid, false]);
    const id = "00000000-0000-7000-8000-000000000000";
    await platform.db.collection<{ _id: string }>("outboxes").insertOne({
      ...({
        service: "other",
        pid: 1,
        host: "elsewhere",
        position: id,
        pending: [],
        seen_at: new Date(),
      } as object),
      _id: "other-1",
    });
    await platform.db.collection<{ _id: string }>("events").insertOne({
      ...({ type: "t.x", stream: "t-1", writer: "other-1", time: new Date(), version: 1 } as object),
      _id: `1${id.slice(1)}`,
    });
    assert.match(await run("outbox"), /^other +other-1 +1 on elsewhere +1 +t\.x of t-1, \S+ m?s ago$/m);
  });

  for (const [words, type] of [
    [["task", "nonsense"], "TASK_NOT_FOUND"],
    [["task", "0".repeat(24)], "TASK_NOT_FOUND"],
    [["stream", "0".repeat(24)], "STREAM_NOT_FOUND"],
    [["stream"], "USAGE"],
    [["stream", "a", "b"], "USAGE"],
    [["due", "--limit", "-1"], "USAGE"],
    [["lease", "--limit", "1"], "USAGE"],
  ] as const) {
    it(`${words.join(" ")} fails with ${type}`, () =>
      assert.rejects(run(...(words as unknown as [string])), { type }));
  }

  it("is offered in the REPL by the same names", () => {
    assert.deepEqual(
      replOptions.customCommands.map(({ command }) => command),
      ["due", "task <id>", "stream <id>", "lease", "outbox"],
    );
  });
});
