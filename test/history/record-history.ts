/**
 * Records the history of a release, by the version of `package.json`: the declared contracts of all events, and the
 * streams of a running platform with every event type and the documents that follow from them. Run before a release,
 * once its version is set: `node test/history/record-history.ts`
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Db, Document } from "mongodb";
import { operationReadModel } from "../../services/records/operations/mongo-replay-operations.ts";
import { recordReadModel } from "../../services/records/record/mongo-replay-records.ts";
import { taskReadModel } from "../../services/scheduler/store/mongo-replay-tasks.ts";
import { catalogue } from "../../shared/contracts/catalogue.ts";
import { seal } from "../../shared/envelope.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { compare } from "../../shared/event-store/replay.ts";
import { startTestMongo } from "../mongo.ts";
import { startPlatform } from "../platform.ts";
import { CONTRACTS, recorded } from "./contracts.ts";
import { formatted, type RecordedStreams, STREAMS } from "./recorded-streams.ts";
import { live, liveWithoutExecutor, workload } from "./workload.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

const source = createServer((_, response) => {
  const data = ["a", "b"].map((title) => ({ title, heat: "1", link: `https://example.com/${title}` }));
  response.end(JSON.stringify({ code: 1, msg: "ok", data }));
});
await new Promise<void>((resolve) => source.listen(0, "127.0.0.1", resolve));
const { port } = source.address() as AddressInfo;

const mongo = await startTestMongo();
const settings = {
  MONGO_DB_NAME: "kinit",
  NODE_NAME: "recorder",
  RUN_LOST_MS: "1000",
  CRAWLER_BILIBILI_URL: `http://127.0.0.1:${port}`,
};
const { handlers, release } = workload();
const services = ["executor", "scheduler", "records", "crawler"] as const;
const platform = await startPlatform({ mongo, handlers, settings, services });
const taskIds = await live(platform, release);
await platform.broker.sendToChannel(exampleOperation());
await platform.stop();
const withoutExecutor = await startPlatform({ mongo, settings, services: ["scheduler", "records"] });
await liveWithoutExecutor(withoutExecutor, taskIds["lost-run"] as string);
await withoutExecutor.stop();

const db = mongo.client.db("kinit");
await checkAll(db);
const folder = join(STREAMS, version);
mkdirSync(folder, { recursive: true });
for (const [name, taskId] of Object.entries(taskIds))
  writeFileSync(join(folder, `${name}.json`), formatted(await streamsOf(db, taskId)));
writeFileSync(join(folder, "hotlist.json"), formatted(await hotlist(db)));
mkdirSync(CONTRACTS, { recursive: true });
const contracts = JSON.stringify(recorded(catalogue.contracts), null, 2);
writeFileSync(join(CONTRACTS, `${version}.json`), `${contracts}\n`);
await mongo.close();
source.close();

/** Every event type occurred, and the documents are what their events make of them. */
async function checkAll(db: Db): Promise<void> {
  const types = await db.collection("events").distinct("type");
  assert.deepEqual(types.sort(), Object.keys(catalogue.contracts).sort());
  for (const model of [taskReadModel, recordReadModel, operationReadModel])
    for await (const difference of compare(db, model)) assert.fail(JSON.stringify(difference));
}

async function streamsOf(db: Db, taskId: string): Promise<RecordedStreams> {
  const records = await db
    .collection("scheduler_task_record")
    .find({ task_id: taskId }, { sort: { start_datetime: 1 }, projection: { open_until: 0 } })
    .toArray();
  const streams = [`task-${taskId}`, ...records.map(({ _id }) => `run-${_id.toHexString()}`)];
  const tasks = await db.collection("scheduler_task_list").find().toArray();
  return {
    events: await eventsOf(db, { stream: { $in: streams } }),
    tasks: tasks.filter(({ _id }) => _id.toHexString() === taskId),
    records,
  };
}

function exampleOperation() {
  const { example: data } = catalogue.contracts["operation.recorded"];
  return seal(
    { type: "operation.recorded", data },
    { subject: "operation-2026-01-05", now: Date.parse(data.at) },
  );
}

async function hotlist(db: Db): Promise<RecordedStreams> {
  return { events: await eventsOf(db, { type: "hotlist.crawled" }), tasks: [], records: [] };
}

function eventsOf(db: Db, query: Document): Promise<EventDocument[]> {
  const events = db.collection<EventDocument>("events");
  return events.find(query, { sort: { stream: 1, version: 1 } }).toArray();
}
