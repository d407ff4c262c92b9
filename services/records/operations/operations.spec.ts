import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Db } from "mongodb";
import { localBus } from "../../../shared/bus/local/local-bus.ts";
import { systemClock } from "../../../shared/clock.ts";
import { type OperationRecorded, operationEvents } from "../../../shared/contracts/operation-events.ts";
import { seal } from "../../../shared/envelope.ts";
import { type OpenEventStore, openEventStore } from "../../../shared/event-store/open-event-store.ts";
import { compare, type Difference } from "../../../shared/event-store/replay.ts";
import { objectId } from "../../../shared/ids.ts";
import { startTestMongo, type TestMongo } from "../../../test/mongo.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { mongoOperations, type Operations } from "./mongo-operations.ts";
import { operationReadModel } from "./mongo-replay-operations.ts";
import type { OperationDocument } from "./operation-document.ts";
import { utcDay } from "./operation-log.ts";
import { createOperationRecorder, type OperationRecorder } from "./operation-recorder.ts";

const { example } = operationEvents.contracts["operation.recorded"];
const DAY_MS = 86_400_000;
const START = Date.parse("2026-01-05T00:00:00.000Z");

/** An operation so long after the start of the first day. */
const operationAt = (afterMs: number, data: Partial<OperationRecorded> = {}) =>
  seal(
    { type: "operation.recorded", data: { ...example, operationId: objectId(), ...data } },
    { subject: `operation-${utcDay(START + afterMs)}`, now: START + afterMs },
  );
const first = { isRedelivered: false };

describe("the operation log", () => {
  let mongo: TestMongo;
  let open: OpenEventStore;
  let operations: Operations;
  let recorder: OperationRecorder;
  let db: Db;
  const openLog = async (database: string) => {
    await open?.close();
    const bus = localBus({ deadLetter: async () => {}, logger: silentLog });
    const config = { mongoUrl: mongo.url, mongoDatabase: database, natsUrl: "" };
    open = await openEventStore({ config, service: "records", bus, clock: systemClock, log: silentLog });
    db = open.db;
    const { store } = open;
    await db.collection("events").createIndex({ stream: 1, version: 1 }, { unique: true });
    const collection = db.collection<OperationDocument>("record_operation");
    operations = mongoOperations({ store, operations: collection, events: db.collection("events") });
    recorder = createOperationRecorder({ store, operations, clock: systemClock });
    await open.outbox.start();
  };
  before(async () => {
    mongo = await startTestMongo();
  });
  after(async () => {
    await open?.close();
    await mongo?.close();
  });

  const differences = async () => {
    const found: Difference[] = [];
    for await (const difference of compare(db, operationReadModel)) found.push(difference);
    return found;
  };
  const listed = async (query: object = {}) => (await operations.list({ page: 1, limit: 0, ...query })).items;

  it("stores event and row, in the fields of the original, once however often the event is delivered", async () => {
    await openLog("once");
    const [one, two] = [operationAt(1000), operationAt(DAY_MS + 1)];
    await recorder.store([one, two], first);
    await recorder.store([two, operationAt(2000)], { isRedelivered: true });
    // A repetition that nothing announces is found by the conflict.
    await recorder.store([one], first);
    assert.equal(await db.collection("record_operation").countDocuments(), 3);
    const { _id, create_datetime, ...document } = (await db
      .collection("record_operation")
      .findOne({ create_datetime: new Date(START + 1000) })) as unknown as Record<string, unknown>;
    assert.deepEqual(document, {
      status_code: 200,
      client_ip: "192.0.2.7",
      request_method: "POST",
      api_path: "/scheduler/task/stop/update",
      request_api: example.url,
      system: "Windows 10",
      browser: "Chrome 126.0.0",
      summary: "Pause a task",
      route_name: "stop_task",
      description: null,
      tags: ["Tasks"],
      process_time: 0.0042,
      content_length: 60,
      params: '{"body_params":"","query_params":{"data_id":"66f2a1b00a1b2c3d4e5f6070"},"path_params":null}',
      update_datetime: create_datetime,
      actor: "admin",
      code: 200,
      operation: "scheduler_task.stop_task",
      version: 1,
    });
    const events = await db
      .collection("events")
      .find({}, { sort: { stream: 1, version: 1 } })
      .toArray();
    assert.deepEqual(
      events.map(({ stream, version }) => [stream, version]),
      [
        ["operation-2026-01-05", 1],
        ["operation-2026-01-05", 2],
        ["operation-2026-01-06", 1],
      ],
    );
    assert.deepEqual(await differences(), []);
  });

  it("lists the newest first, filtered, with documents of the original among them", async () => {
    await openLog("list");
    await recorder.store(
      [
        operationAt(1000, { actor: "ann", status: 500 }),
        operationAt(3000, { actor: "bob", path: "/other", method: "PUT" }),
        operationAt(2000, { actor: "ann", address: "192.0.2.8" }),
      ],
      first,
    );
    await db.collection("record_operation").insertOne({
      status_code: 200,
      client_ip: "10.0.0.1",
      request_method: "POST",
      api_path: "/auth/user/create",
      process_time: 0.5,
      create_datetime: new Date(START),
      update_datetime: new Date(START),
    });
    const actors = async (query: object) => (await listed(query)).map(({ actor }) => actor);
    assert.deepEqual(await actors({}), ["bob", "ann", "ann", null]);
    assert.deepEqual(await actors({ orderField: "createdAt", order: "asc" }), ["bob", "ann", "ann", null]);
    assert.deepEqual(await actors({ actor: "ann" }), ["ann", "ann"]);
    assert.deepEqual(await actors({ path: "/other", method: "PUT" }), ["bob"]);
    assert.deepEqual(await actors({ status: 500 }), ["ann"]);
    assert.deepEqual(await actors({ address: "192.0.2.8" }), ["ann"]);
    const [from, before] = [START + 1000, START + 3000].map((ms) => new Date(ms).toISOString());
    assert.deepEqual(await actors({ from, before }), ["ann", "ann"]);
    const page = await operations.list({ page: 2, limit: 3 });
    assert.deepEqual([page.total, page.items.map(({ path }) => path)], [4, ["/auth/user/create"]]);
    assert.deepEqual(await differences(), []);
  });

  it("purges whole days with their events, and goes on counting", async () => {
    await openLog("purge");
    const many = Array.from({ length: 600 }, (_, index) => operationAt(index));
    await recorder.store([...many, operationAt(DAY_MS - 1), operationAt(DAY_MS)], first);
    const never = new AbortController().signal;
    await operations.purgeBefore(START + DAY_MS - 1, never);
    assert.equal((await listed()).length, 602, "the day has not ended");
    await operations.purgeBefore(START + 2 * DAY_MS - 1, never);
    assert.equal((await listed()).length, 1);
    assert.equal(await db.collection("events").countDocuments(), 1);
    await recorder.store([operationAt(DAY_MS + 5)], first);
    assert.deepEqual(await differences(), []);
  });
});
