import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Api, httpApi } from "./api.ts";
import { type StoryProcess, startProcess } from "./process.ts";

/** More runs than the services hold at a time. */
const POISON = 2100;
const AT_A_TIME = 30;

/** JSON answers that MongoDB cannot hold, and one that it can. */
const responses: Record<string, string> = {
  "/driver-type": '{"_bsontype":"ObjectId"}',
  "/nul-key": '{"a\\u0000b":1}',
  "/deep": `${"[".repeat(250)}${"]".repeat(250)}`,
  "/healthy": '{"ok":true}',
};

describe("a remote server whose answers no store can hold", () => {
  const hits = new Map<string, number>();
  let dir: string;
  let server: Server;
  let platform: StoryProcess;
  let api: Api;

  const start = async () => {
    const env = { DATA_DIR: dir, SERVER_PORT: "0", HTTP_REQUEST_ALLOW_PRIVATE: "true" };
    platform = startProcess("tools/run.mjs", ["start"], env);
    const [, address = ""] = await platform.line(/listens on (http\S+)/);
    api = httpApi(address);
  };
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "kinit-unstorable-"));
    server = createServer(({ url = "" }, response) => {
      hits.set(url, (hits.get(url) ?? 0) + 1);
      response.setHeader("content-type", "application/json").end(responses[url.split("?")[0] as string]);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await start();
  });
  after(async () => {
    await platform?.stop();
    server?.close();
    await rm(dir, { recursive: true, force: true });
  });

  const once = (path: string) => ({
    job_class: "http.request",
    job_params: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}` },
    exec_strategy: "once",
  });
  const result = async (path: string) => {
    const [record] = await api.recordsWhen(await api.create(once(path)), ([first]) => Boolean(first?.retval));
    return record;
  };

  it("stops no recording, and is not asked again after a restart", async () => {
    const paths = ["/driver-type", "/nul-key", "/deep"];
    for (let made = 0; made < POISON; made += AT_A_TIME) {
      const row = Array.from({ length: AT_A_TIME }, (_, index) => `${paths[index % 3]}?${made + index}`);
      const created = row.map((path) =>
        api.post("/scheduler/task/create", { name: path, is_active: true, ...once(path) }),
      );
      for (const { code, message } of await Promise.all(created)) assert.equal(code, 200, message);
    }
    for (const path of paths) {
      const record = await result(`${path}?seen`);
      assert.equal(record?.status, "succeeded");
      assert.equal(JSON.parse(record?.retval ?? "").body, responses[path]);
      assert.ok(record?.log.some(({ message }) => message.includes("kept as text: body")));
    }
    assert.equal((await result("/healthy?before"))?.status, "succeeded");
    assert.equal(await platform.stop(), 0, platform.output());
    assert.doesNotMatch(platform.output(), /dead letter/);
    await start();
    assert.equal((await result("/healthy?after"))?.status, "succeeded");
    assert.equal(hits.size, POISON + paths.length + 2);
    assert.deepEqual(new Set(hits.values()), new Set([1]));
  });
});
