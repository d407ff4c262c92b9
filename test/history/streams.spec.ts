import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Document } from "mongodb";
import { type HotlistCrawled, hotlist } from "../../services/crawler/hotlist-crawls.ts";
import { recordReadModel } from "../../services/records/record/mongo-replay-records.ts";
import { taskReadModel } from "../../services/scheduler/store/mongo-replay-tasks.ts";
import { fold } from "../../shared/event-store/decider.ts";
import { type EventDocument, fromEventDocument } from "../../shared/event-store/event-document.ts";
import type { ReadModel } from "../../shared/event-store/replay.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";
import { recordedContracts } from "./contracts.ts";
import { recordedStreams } from "./recorded-streams.ts";

const HINT = `
Stores hold such streams: code that folds them differently shows other tasks and records after an upgrade. Mend the code;
a recording is only ever added.`;

describe("the streams of a release", () => {
  let mongo: TestMongo;
  before(async () => {
    mongo = await startTestMongo();
  });
  after(() => mongo?.close());

  /** The documents that a read model makes of events, without the fields that depend on the configuration. */
  async function replayed(events: readonly EventDocument[], { replay, ignored }: ReadModel) {
    const collection = mongo.db.collection<EventDocument>("events");
    await collection.deleteMany({});
    await collection.insertMany([...events]);
    const documents: Document[] = [];
    for await (const chunk of replay(collection))
      for (const { document } of chunk) if (document) documents.push(document);
    for (const document of documents) for (const field of ignored) delete document[field];
    return documents;
  }

  it("contain every event that was published", () => {
    const seen = new Set<string>();
    for (const { streams } of recordedStreams())
      for (const { dataschema } of streams.events) seen.add(dataschema);
    const published = [...recordedContracts()].flatMap(({ contracts }) =>
      Object.entries(contracts).map(([type, { version }]) => `${type}/${version}`),
    );
    assert.deepEqual([...seen].sort(), [...new Set(published)].sort());
  });

  for (const { name, streams } of recordedStreams()) {
    it(`${name} are folded into the tasks and records that were stored`, async () => {
      const { events, tasks, records } = streams;
      assert.deepEqual(byId(await replayed(events, taskReadModel)), byId(tasks), HINT);
      assert.deepEqual(byId(await replayed(events, recordReadModel)), byId(records), HINT);
    });
  }

  it("of crawls are folded into the number of their rows", () => {
    for (const { streams } of recordedStreams()) {
      const crawled = streams.events.filter(({ type }) => type === "hotlist.crawled");
      const events = crawled.map((event) => fromEventDocument(event) as unknown as HotlistCrawled);
      assert.deepEqual(
        [...fold(hotlist, events)],
        events.map(({ data }) => [data.crawlId, data.count]),
      );
    }
  });
});

/** The driver leaves undefined fields out when it stores a document. */
function byId(documents: readonly Document[]) {
  const defined = documents.map((document) =>
    Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined)),
  );
  return new Map(defined.map((document) => [String(document._id), document]));
}
