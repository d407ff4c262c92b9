import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import { type EmbeddedMongo, startEmbeddedMongo } from "@kinit/embedded-mongo";
import { type BrokerOptions, ServiceBroker } from "moleculer";
import { type Db, MongoClient } from "mongodb";
import { channels } from "../../shared/bus/channels.ts";
import { localBus } from "../../shared/bus/local/local-bus.ts";
import { systemClock } from "../../shared/clock.ts";
import type { ActionParams } from "../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { validatorOptions } from "../../shared/contracts/contract.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { objectId } from "../../shared/ids.ts";
import { call } from "../../shared/service.ts";
import { silentLog } from "../../test/silent-log.ts";
import { crawlerService } from "./crawler.service.ts";
import type { HotRowDocument } from "./mongo-hot-rows.ts";
import { sourceForTests } from "./source.fixture.ts";

const listOf = (titles: readonly string[]) =>
  JSON.stringify({
    code: 1,
    msg: "ok",
    data: titles.map((title) => ({ title, heat: "1万", link: `https://example.com/${title}` })),
  });

describe("crawler", () => {
  const source = sourceForTests();
  const events: DomainEnvelope[] = [];
  let onEvent: () => void = () => {};
  let mongo: EmbeddedMongo;
  let client: MongoClient;
  let db: Db;
  let broker: ServiceBroker;

  before(async () => {
    mongo = await startEmbeddedMongo({ memory: true });
    client = await new MongoClient(mongo.url).connect();
    const mongoDatabase = `crawler-${randomBytes(4).toString("hex")}`;
    db = client.db(mongoDatabase);
    const bus = localBus({ deadLetter: async () => {}, logger: silentLog });
    broker = new ServiceBroker({
      logger: false,
      validator: { type: "Fastest", options: validatorOptions } as BrokerOptions["validator"],
      middlewares: [channels(bus)],
    });
    const config = {
      mongoUrl: mongo.url,
      natsUrl: "",
      mongoDatabase,
      crawlerUrl: `${source.base}/list`,
      crawlerTimeoutMs: 2000,
      crawlerUserAgent: "tester/1",
      crawlerMaxAgeMs: null,
    };
    broker.createService(crawlerService({ config, clock: systemClock }));
    broker.createService({
      name: "listener",
      channels: {
        "hotlist.*": {
          handler({ params }) {
            events.push(params);
            onEvent();
          },
        },
      },
    });
    await broker.start();
  });
  after(async () => {
    await broker?.stop();
    await client?.close();
    await mongo?.close();
  });
  beforeEach(async () => {
    events.length = 0;
    source.requests.clear();
    await db.collection("bilibili_hot_new").deleteMany({});
  });

  const respondWith = (body: string, status = 200) =>
    source.on("/list", (_, response) => response.writeHead(status).end(body));
  const crawl = (crawlId: string) => call(broker, "crawler.crawl", { site: "bilibili", crawlId });
  const list = (params: ActionParams<"crawler.list">) => call(broker, "crawler.list", params);
  const stored = (crawlId: string) =>
    db.collection<HotRowDocument>("bilibili_hot_new").find({ crawl_id: crawlId }).sort({ rank: 1 }).toArray();
  const stream = (crawlId: string) =>
    db
      .collection<EventDocument>("events")
      .find({ stream: "hotlist-bilibili", "data.crawlId": crawlId })
      .toArray();
  const published = (count: number) =>
    new Promise<void>((resolve) => {
      onEvent = () => {
        if (events.length >= count) resolve();
      };
      onEvent();
    });

  it("stores the rows in their order and publishes that", async () => {
    respondWith(listOf(["a", "b", "c"]));
    const crawlId = objectId();
    assert.deepEqual(await crawl(crawlId), { count: 3 });
    const rows = await stored(crawlId);
    assert.deepEqual(
      rows.map(({ rank, title, heat, link }) => [rank, title, heat, link]),
      [
        [1, "a", "1万", "https://example.com/a"],
        [2, "b", "1万", "https://example.com/b"],
        [3, "c", "1万", "https://example.com/c"],
      ],
    );
    assert.ok(
      rows.every((row) => row.create_datetime instanceof Date && row.update_datetime instanceof Date),
    );
    await published(1);
    const [event] = events;
    assert.equal(event?.type, "hotlist.crawled");
    assert.equal(event?.subject, "hotlist-bilibili");
    assert.deepEqual(event?.data, {
      site: "bilibili",
      crawlId,
      count: 3,
      at: rows[0]?.create_datetime.toISOString(),
    });
    assert.ok(event?.correlationid);
  });

  it("a repeated crawl returns the same, without another fetch, row or event", async () => {
    respondWith(listOf(["a", "b"]));
    const crawlId = objectId();
    await crawl(crawlId);
    respondWith(listOf(["c", "d", "e"]));
    assert.deepEqual(await crawl(crawlId), { count: 2 });
    assert.equal((await stored(crawlId)).length, 2);
    assert.equal((await stream(crawlId)).length, 1);
    assert.equal(source.requests.get("/list"), 1);
  });

  it("crawls at the same moment, the same one too, each store their rows once", async () => {
    respondWith(listOf(["a", "b"]));
    const [twice, other] = [objectId(), objectId()];
    const counts = await Promise.all([twice, twice, other].map(crawl));
    assert.deepEqual(
      counts.map(({ count }) => count),
      [2, 2, 2],
    );
    for (const crawlId of [twice, other]) {
      assert.equal((await stored(crawlId)).length, 2);
      assert.equal((await stream(crawlId)).length, 1);
    }
    const all = await db.collection<EventDocument>("events").find({ stream: "hotlist-bilibili" }).toArray();
    const versions = all.map(({ version }) => version).sort((a, b) => a - b);
    assert.deepEqual(
      versions,
      versions.map((_, index) => index + 1),
    );
  });

  const failures: [string, string, number][] = [
    ["CRAWL_BAD_STATUS", "busy", 500],
    ["CRAWL_BAD_JSON", "{", 200],
    ["CRAWL_BAD_SHAPE", '{"code":1,"data":[{}]}', 200],
    ["CRAWL_REFUSED", '{"code":0,"msg":"later"}', 200],
  ];
  for (const [type, body, status] of failures) {
    it(`${type}: nothing is stored or published, and the next attempt starts afresh`, async () => {
      respondWith(body, status);
      const crawlId = objectId();
      await assert.rejects(crawl(crawlId), { type });
      assert.deepEqual(await stored(crawlId), []);
      assert.deepEqual(await stream(crawlId), []);
      respondWith(listOf(["a"]));
      assert.deepEqual(await crawl(crawlId), { count: 1 });
    });
  }

  it("bad params are refused", async () => {
    const params = { site: "elsewhere", crawlId: objectId() };
    await assert.rejects(broker.call("crawler.crawl", params), { type: "VALIDATION_ERROR" });
    await assert.rejects(crawl("not-an-id"), { type: "VALIDATION_ERROR" });
  });

  it("lists the newest crawl first, each in the order of its list, a page at a time", async () => {
    respondWith(listOf(["old 1", "old 2"]));
    const [older, newer] = [objectId(), objectId()];
    await crawl(older);
    await db
      .collection("bilibili_hot_new")
      .updateMany({ crawl_id: older }, { $set: { create_datetime: new Date(0) } });
    respondWith(listOf(["new 1", "new 2"]));
    await crawl(newer);
    const titles = async (params: Parameters<typeof list>[0]) =>
      (await list(params)).items.map(({ title }) => title);
    assert.deepEqual(await titles({ page: 1, limit: 0 }), ["new 1", "new 2", "old 1", "old 2"]);
    assert.deepEqual(await titles({ page: 2, limit: 3 }), ["old 2"]);
    assert.deepEqual(await titles({ page: 1, limit: 2, order: "asc" }), ["old 1", "old 2"]);
    assert.deepEqual(await titles({ page: 1, limit: 2, orderField: "title", order: "desc" }), [
      "old 2",
      "old 1",
    ]);
    const { items, total } = await list({ page: 1, limit: 1 });
    assert.equal(total, 4);
    const [first] = items;
    assert.deepEqual([first?.crawlId, first?.rank, first?.heat], [newer, 1, "1万"]);
    assert.match(first?.crawledAt ?? "", /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it("shows rows of the Python original, which have no crawl", async () => {
    const row = {
      title: "a",
      heat: "1",
      link: "b",
      create_datetime: new Date(0),
      update_datetime: new Date(0),
    };
    await db.collection("bilibili_hot_new").insertOne({ ...row });
    const { items } = await list({ page: 1, limit: 10 });
    assert.deepEqual([items[0]?.crawlId, items[0]?.rank, items[0]?.title], ["", 0, "a"]);
  });
});
