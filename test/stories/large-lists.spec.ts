import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Db, ObjectId } from "mongodb";
import type { RecordDocument } from "../../services/records/record/record-document.ts";
import { readConfig } from "../../shared/config.ts";
import { type Launched, launch } from "../../tools/launch.ts";
import type { ServiceName } from "../../tools/service-names.ts";
import { type NatsServer, startNatsServer } from "../bus/nats-server.ts";
import { eventually } from "../eventually.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";

const TASK = "66f2a1b00a1b2c3d4e5f6070";

describe("lists over NATS, of which a message takes 1 MiB", () => {
  let mongo: TestMongo;
  let nats: NatsServer;
  let db: Db;
  const launched: Launched[] = [];
  let address: string;

  const start = (name: string, ...services: ServiceName[]) => {
    const config = readConfig({
      NATS_URL: nats.url,
      MONGO_DB_URL: mongo.url,
      MONGO_DB_NAME: "lists",
      SERVER_PORT: "0",
      LOG_LEVEL: "fatal",
      ORM_DB_ENABLE: "false",
      AUTH_ENABLE: "false",
      NODE_NAME: name,
      // A busy machine may take long over a large page.
      CALL_TIMEOUT_MS: "60000",
    });
    return launch({ config, services }).then((running) => {
      launched.push(running);
      return running;
    });
  };
  before(async () => {
    [mongo, nats] = await Promise.all([startTestMongo(), startNatsServer()]);
    db = mongo.client.db("lists");
    await start("behind", "executor", "scheduler", "records", "crawler");
    address = (await start("gateway", "gateway")).address ?? "";
    await eventually(async () => (await fetch(`${address}/ready`)).ok);
  });
  after(async () => {
    for (const { stop } of launched.reverse()) await stop();
    await nats?.stop();
    await mongo?.close();
  });

  const read = async (path: string) => {
    const response = await fetch(address + path);
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  const recordOf = (more: Partial<RecordDocument>): RecordDocument => ({
    _id: new ObjectId(),
    task_id: TASK,
    start_datetime: new Date(0),
    end_datetime: new Date(1000),
    process_time: 1,
    retval: "null",
    exception: "null",
    traceback: "null",
    status: "succeeded",
    create_datetime: new Date(0),
    update_datetime: new Date(0),
    ...more,
  });
  const insert = (records: readonly RecordDocument[]) =>
    db.collection<RecordDocument>("scheduler_task_record").insertMany([...records]);

  it("shows tasks with large params, by the default limit", async () => {
    for (let number = 0; number < 5; number++) {
      const task = {
        name: `large ${number}`,
        job_class: "http.request",
        job_params: { url: "http://127.0.0.1/", method: "POST", body: "x".repeat(240_000) },
        exec_strategy: "interval",
        expression: "10 * * * *",
        is_active: false,
      };
      const response = await fetch(`${address}/scheduler/task/create`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(task),
      });
      assert.match(await response.text(), /任务添加成功/);
    }
    const { status, body } = await read("/scheduler/task/list/query");
    assert.equal(status, 200);
    assert.deepEqual(
      body.data.map(({ name }: { name: string }) => name),
      [0, 1, 2, 3, 4].map((number) => `large ${number}`),
    );
    assert.equal(JSON.parse(body.data[4].job_params).body.length, 240_000);
  });

  it("shows records with large results, one of them larger than a message, in the list and alone", async () => {
    const large = recordOf({
      retval: JSON.stringify("r".repeat(500_000)),
      name: "large",
      job_class: "http.request",
      job_params: { body: "p".repeat(250_000) },
      log: Array.from({ length: 200 }, () => ({ at: new Date(0), level: "info", message: "l".repeat(8192) })),
    });
    const others = Array.from({ length: 19 }, () =>
      recordOf({ retval: JSON.stringify("任".repeat(21_000)) }),
    );
    await insert([large, ...others]);
    const { status, body } = await read(`/scheduler/task/record/list/query?limit=20&task_id=${TASK}`);
    assert.equal(status, 200);
    assert.equal(body.data.length, 20);
    assert.equal(body.data[0].log.length, 200);
    const alone = await read(`/scheduler/task/record/one/query?data_id=${large._id.toHexString()}`);
    assert.equal(alone.status, 200);
    assert.deepEqual(alone.body.data, body.data[0]);
    assert.equal(JSON.parse(alone.body.data.retval).length, 500_000);
  });

  it("shows all of ten thousand records, and says what to do about more", async () => {
    const taskId = "66f2a1b00a1b2c3d4e5f6099";
    await insert(Array.from({ length: 10_000 }, () => recordOf({ task_id: taskId })));
    const path = `/scheduler/task/record/list/query?task_id=${taskId}`;
    const { body } = await read(`${path}&limit=0`);
    const ids = new Set(body.data.map(({ id }: { id: string }) => id));
    assert.deepEqual([body.code, body.total, ids.size], [200, 10_000, 10_000]);
    await insert([recordOf({ task_id: taskId })]);
    const refused = await read(`${path}&limit=0`);
    assert.deepEqual([refused.status, refused.body.code, refused.body.errors[0].field], [200, 400, "limit"]);
    assert.match(refused.body.message, /共 10001 条.*10000.*page/);
    assert.equal((await read(`${path}&limit=100&page=101`)).body.data.length, 1);
  });
});
