import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../shared/clock.ts";
import { createCommandHandler } from "../../shared/event-store/command-handler.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import { objectId } from "../../shared/ids.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { silentLog } from "../../test/silent-log.ts";
import { hotlist } from "./hotlist-crawls.ts";
import { type HotRowDocument, mongoHotRows } from "./mongo-hot-rows.ts";

describe("the hot rows", () => {
  let mongo: TestMongo;
  let opened: OpenEventStore;
  before(async () => {
    mongo = await startTestMongo();
    opened = await openEventStore({
      config: { mongoUrl: mongo.url, mongoDatabase: "kinit", natsUrl: "" },
      service: "crawler",
      bus: { send: async () => {} },
      clock: systemClock,
      log: silentLog,
    });
    await opened.outbox.start();
  });
  after(async () => {
    await opened?.close();
    await mongo?.close();
  });

  it("are purged by crawls with their events; each site's last event stays, so that the next version is known", async () => {
    const { db, store } = opened;
    const events = db.collection<EventDocument>("events");
    const clock = { now: () => now };
    let now = Date.now();
    const rows = mongoHotRows({
      rows: db.collection<HotRowDocument>("bilibili_hot_new"),
      events,
    });
    const handler = createCommandHandler({
      store,
      decider: hotlist,
      stream: "hotlist",
      states: rows,
      clock,
      maxBatch: 10,
      reads: "within",
    });
    const crawl = (crawlId: string) => {
      const found = [{ title: crawlId, heat: "1", link: "/", rank: 1 }];
      const command = { type: "storeCrawl", site: "bilibili", crawlId, rows: found, now } as const;
      return handler.handle({ id: "bilibili", command });
    };
    const left = async () => {
      const { items } = await rows.list({ page: 1, limit: 10 });
      const stream = await store.readStream("hotlist-bilibili");
      return { crawls: items.map(({ crawlId }) => crawlId), versions: stream.map(({ version }) => version) };
    };
    const [first, second, third] = [objectId(), objectId(), objectId()];
    await crawl(first);
    now += 1000;
    await crawl(second);
    await rows.purgeBefore(now);
    assert.deepEqual(await left(), { crawls: [second], versions: [2] });
    await rows.purgeBefore(now + 1);
    assert.deepEqual(await left(), { crawls: [], versions: [2] });
    await crawl(third);
    assert.deepEqual(await left(), { crawls: [third], versions: [2, 3] });
  });
});
