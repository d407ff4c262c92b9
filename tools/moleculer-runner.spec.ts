import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { type NatsServer, startNatsServer } from "../test/bus/nats-server.ts";
import { eventually } from "../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../test/mongo.ts";
import { httpApi } from "../test/stories/api.ts";
import { type StoryProcess, startProcess } from "../test/stories/process.ts";

const RUNNER = "node_modules/.bin/moleculer-runner";
const CONFIG = ["-c", "moleculer.config.ts"];
/** Set, so that a developer's `.env` changes nothing here. */
const UNCONFIGURED = {
  NATS_URL: "",
  MONGO_DB_URL: "",
  SERVER_HOST: "127.0.0.1",
  SERVER_PORT: "0",
  MOLECULER_CALL_ALLOW: "scheduler.status",
};

/** A busy machine suspends processes and takes long over a handler; both are logged. */
const BUSY_MACHINE = /this process was suspended|the event loop was blocked/;

describe("moleculer-runner -c moleculer.config.ts", () => {
  let dir: string;
  const running: StoryProcess[] = [];

  function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): StoryProcess {
    const settings = { ...UNCONFIGURED, DATA_DIR: dir, EXECUTOR_CONCURRENCY: "3", ...env };
    const started = startProcess(RUNNER, [...CONFIG, ...args], settings);
    running.push(started);
    return started;
  }
  async function addressOf(runner: StoryProcess): Promise<string> {
    const [, address = ""] = await runner.line(/listens on (http:[^"\s]+)/);
    return address;
  }
  async function assertRunsATask(address: string): Promise<void> {
    await eventually(async () => (await fetch(`${address}/ready`)).ok);
    const api = httpApi(address);
    const taskId = await api.create({
      job_class: "moleculer.call",
      job_params: { action: "scheduler.status", params: {} },
      exec_strategy: "once",
    });
    await api.recordsWhen(taskId, ([first]) => first?.status === "succeeded");
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "kinit-runner-"));
  });
  afterEach(() => Promise.all(running.splice(0).map((runner) => runner.stop())));
  after(() => rm(dir, { recursive: true, force: true }));

  it("runs everything with the embedded store by default, and stops in order", async () => {
    const runner = run(["services"]);
    await assertRunsATask(await addressOf(runner));
    assert.equal(await runner.stop(), 0, runner.output());
    assert.equal(existsSync(join(dir, "mongo", "LOCK")), false);
    const warnings = runner.output().match(/^.*"level":"(warn|error|fatal)".*$/gm) ?? [];
    assert.deepEqual(
      warnings.filter((line) => !BUSY_MACHINE.test(line)),
      [],
    );
  });

  it("opens the REPL, which calls actions and reads the store", async () => {
    const runner = run(["--repl", "services"]);
    await addressOf(runner);
    runner.type("call executor.handlers");
    await runner.line(/test\.main\.Test/);
    runner.type("call scheduler.list");
    await runner.line(/total.*\d/);
    runner.type("call scheduler.create");
    await Promise.all([runner.line(/'name' field is required/), runner.line(/'handler' field is required/)]);
    runner.type("stream 0123456789abcdef01234567");
    await runner.line(/There are no events of '0123456789abcdef01234567'/);
    runner.type("lease --json");
    await runner.line(/"state": "held"/);
    runner.type("q");
    assert.equal(await runner.ended(), 0, runner.output());
  });

  it("ends with one line if it cannot start", async () => {
    const runner = run(["services"], { EXECUTOR_CONCURRENCY: "none" });
    assert.equal(await runner.ended(), 1);
    assert.match(
      runner.output(),
      /^The configuration has a fault:\n {2}EXECUTOR_CONCURRENCY must be [^\n]+$/,
    );
  });

  describe("over NATS", () => {
    let nats: NatsServer;
    let mongo: TestMongo;
    before(async () => {
      [nats, mongo] = await Promise.all([startNatsServer(), startTestMongo()]);
    });
    after(async () => {
      await nats.stop();
      await mongo.close();
    });

    it("runs the services that SERVICES or a mask selects", async () => {
      const shared = { NATS_URL: nats.url, MONGO_DB_URL: mongo.url };
      const gateway = run([], { ...shared, SERVICEDIR: "services", SERVICES: "gateway" });
      run(["-m", "{scheduler,records,executor,crawler}/*.service.ts", "services"], shared);
      await assertRunsATask(await addressOf(gateway));
    });

    it("names the missing setting", async () => {
      const runner = run(["services/records/records.service.ts"], { NATS_URL: nats.url });
      assert.equal(await runner.ended(), 1, runner.output());
      assert.match(runner.output(), /^MONGO_DB_URL is missing: .*$/m);
      assert.doesNotMatch(runner.output(), /^\s+at /m);
    });
  });
});
