import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { eventually } from "../eventually.ts";
import { type Api, httpApi } from "./api.ts";
import { type StoryProcess, startProcess } from "./process.ts";

interface Operation {
  readonly api_path: string;
  readonly code: number;
  readonly request_id: string;
}

const CHANGES = 20;

describe("the operation log", () => {
  let dir: string;
  let platform: StoryProcess;
  let api: Api;
  async function start(): Promise<void> {
    platform = startProcess("tools/run.mjs", ["start"], { DATA_DIR: dir, SERVER_PORT: "0" });
    const [, address = ""] = await platform.line(/listens on (http\S+)/);
    api = httpApi(address);
  }
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "kinit-operations-"));
    await start();
  });
  after(async () => {
    await platform?.stop();
    await rm(dir, { recursive: true, force: true });
  });

  const operations = async () =>
    (await api.get("/system/record/operation/list/query?limit=0")).data as readonly Operation[];

  it("has every request, also those just before a stop, and none twice", async () => {
    const requests = Array.from({ length: CHANGES }, (_, index) =>
      api.post("/scheduler/task/stop/update", { index }),
    );
    await Promise.all(requests);
    assert.equal(await platform.stop(), 0, platform.output());
    await start();
    const found = await operations();
    assert.equal(found.length, CHANGES);
    assert.ok(
      found.every(({ api_path, code }) => api_path === "/scheduler/task/stop/update" && code === 400),
    );
    assert.equal(new Set(found.map(({ request_id }) => request_id)).size, CHANGES);
  });

  it("survives a kill, and agrees with its events", async () => {
    await api.post("/scheduler/task/delete?data_id=66f2a1b00a1b2c3d4e5f6070");
    await eventually(async () => (await operations()).length === CHANGES + 1);
    await platform.kill();
    await start();
    assert.equal((await operations())[0]?.api_path, "/scheduler/task/delete");
    await platform.stop();
    const check = startProcess("tools/run.mjs", ["kinit", "replay", "--check"], { DATA_DIR: dir });
    await check.line(/No difference/);
    assert.equal(await check.ended(), 0);
  });
});
