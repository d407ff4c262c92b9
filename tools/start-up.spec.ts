import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { freePort } from "../test/free-port.ts";
import { startTestMongo, type TestMongo } from "../test/mongo.ts";
import { type StoryProcess, startProcess } from "../test/stories/process.ts";

/** A busy machine may suspend any process, which then logs that. */
const SUSPENDED = /"msg":"this process was suspended/;

type Env = Readonly<Record<string, string>>;

describe("npm start", () => {
  let dir: string;
  let starts = 0;
  const running: StoryProcess[] = [];

  function start(env: Env, command: readonly string[] = ["start"]): StoryProcess {
    starts += 1;
    const settings = { DATA_DIR: join(dir, `data-${starts}`), SERVER_PORT: "0", ...env };
    const started = startProcess("tools/run.mjs", command, settings);
    running.push(started);
    return started;
  }
  /** The process ends by itself with status 1 and this single line. */
  async function assertRefused(env: Env, line: RegExp, command?: readonly string[]): Promise<void> {
    const refused = start(env, command);
    assert.equal(await refused.ended(), 1, refused.output());
    const lines = refused
      .output()
      .split("\n")
      .filter((logged) => !SUSPENDED.test(logged));
    assert.equal(lines.length, 1, refused.output());
    assert.match(lines[0] ?? "", new RegExp(`^${line.source}$`));
  }

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "kinit-start-"));
  });
  afterEach(() => Promise.all(running.splice(0).map((started) => started.stop())));
  after(() => rm(dir, { recursive: true, force: true }));

  describe("ends with one line if", () => {
    let other: Server;
    let mongo: TestMongo;
    before(async () => {
      other = createServer().listen(0, "127.0.0.1");
      await once(other, "listening");
      mongo = await startTestMongo();
    });
    after(async () => {
      other.close();
      await mongo.close();
    });

    it("its port is in use", async () => {
      const { port } = other.address() as AddressInfo;
      const SERVER_PORT = String(port);
      await assertRefused({ SERVER_PORT }, /Port \d+ of 127\.0\.0\.1 is in use .* SERVER_PORT\./);
    });

    it("its address is invalid", () =>
      assertRefused(
        { SERVER_HOST: "999.1.1.1" },
        /The gateway cannot listen on 999\.1\.1\.1:0: .* SERVER_HOST .*/,
      ));

    it("its address is not of this machine", () =>
      // 192.0.2.0/24 is for documentation: no machine has it.
      assertRefused(
        { SERVER_HOST: "192.0.2.1" },
        /The gateway cannot listen on 192\.0\.2\.1:0: .* SERVER_HOST .*/,
      ));

    it("the URL of MongoDB is invalid", async () => {
      const refused = start({ MONGO_DB_URL: "localhost:27017", NATS_URL: "http://" });
      assert.equal(await refused.ended(), 1);
      const [heading, ...faults] = refused.output().split("\n");
      assert.equal(heading, "The configuration has 2 faults:");
      assert.match(faults.join("\n"), /^ {2}NATS_URL must be [^\n]+\n {2}MONGO_DB_URL must be [^\n]+$/);
    });

    it("the driver rejects the URL of MongoDB, without its password", () =>
      assertRefused(
        { MONGO_DB_URL: "mongodb://me:s3:cret@" },
        /MONGO_DB_URL is not a connection string; (?!.*s3).*/,
      ));

    it("MongoDB cannot be reached", async () => {
      const MONGO_DB_URL = `mongodb://127.0.0.1:${await freePort()}/kinit`;
      await assertRefused({ MONGO_DB_URL }, /MongoDB \(MONGO_DB_URL\) cannot be reached: .*ECONNREFUSED.*/);
    });

    it("NATS is configured without MongoDB", () =>
      assertRefused({ NATS_URL: "nats://127.0.0.1:1" }, /MONGO_DB_URL is missing: .*/));

    it("the data directory cannot be created", async () => {
      await writeFile(join(dir, "file"), "");
      const DATA_DIR = join(dir, "file");
      await assertRefused(
        { DATA_DIR },
        /The data directory .*file\/mongo cannot be used: ENOTDIR.*DATA_DIR.*/,
      );
    });

    it("the data directory is in use", async () => {
      const DATA_DIR = join(dir, "shared");
      await start({ DATA_DIR }).line(/listens on/);
      await assertRefused({ DATA_DIR }, /.*the data directory .* is in use by process \d+.*/);
    });
  });

  it("prints its welcome last, when the first task can be created", async () => {
    const started = start({});
    await started.line(/Ctrl-C stops/);
    const [, address = ""] = await started.line(/listens on (http\S+)/);
    const created = await fetch(`${address}/scheduler/task/create`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...JSON.parse(/-d '([^']+)'/.exec(started.output())![1]!) }),
    });
    assert.equal(((await created.json()) as { code: number }).code, 200);
    const [logged = "", after] = started.output().split(/\nkinit-fast-task [\s\S]*Ctrl-C stops\.\n/);
    assert.equal(after?.trim(), "");
    assert.deepEqual(
      logged.match(/"level":"info".*"msg":"[^"]*"/g)?.map((line) => /"msg":"(.*)"/.exec(line)?.[1]),
      ["this scheduler is active"],
    );
  });

  it("stops without an error when its output is closed", async () => {
    const DATA_DIR = join(dir, "unread");
    const child = spawn(process.execPath, ["tools/run.mjs", "start"], {
      env: { PATH: process.env.PATH, DATA_DIR, SERVER_PORT: "0", AUTH_ENABLE: "false" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.destroy();
    let errors = "";
    child.stderr.on("data", (chunk) => {
      errors += chunk;
    });
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.equal(errors, "");
    assert.equal(existsSync(join(DATA_DIR, "mongo", "LOCK")), false);
  });

  it("reports immediately that NATS cannot be reached, and gives up later", async () => {
    const env = { NATS_URL: `nats://127.0.0.1:${await freePort()}`, MONGO_DB_URL: "mongodb://127.0.0.1:1/" };
    const refused = start(env, ["service", "executor"]);
    await refused.line(/ECONNREFUSED.*NATS cannot be reached yet/);
    assert.equal(await refused.ended(), 1);
    assert.match(refused.output(), /^NATS with JetStream \(NATS_URL\) cannot be reached: .*ECONNREFUSED.*$/m);
    assert.doesNotMatch(refused.output(), /^\s+at /m);
  });
});
