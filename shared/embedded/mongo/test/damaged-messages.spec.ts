import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MongoClient } from "mongodb";
import { startEmbeddedMongo } from "../start-embedded-mongo.ts";
import { damagedMessage, isUnanswerable, rollFrom } from "./damaged-messages.fixture.ts";
import { LIMIT_MS } from "./eventually.ts";
import { realServerUrl } from "./mongo.fixture.ts";
import { RawConnection } from "./raw-connection.fixture.ts";

/** Set these to repeat a failed run, or for a longer run. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000);
const MESSAGES = Number(process.env.FUZZ_MESSAGES ?? 2_000);
const WRITERS = 8;
/** Garbage that is not collected yet is not a leak; growth by more bytes than this is. */
const GROWTH_BYTES = 64 * 1024 * 1024;

describe(`damaged messages (FUZZ_SEED=${SEED})`, { skip: realServerUrl !== undefined }, () => {
  it(`get an error or a closed connection, ${MESSAGES} of them, without other effects`, async () => {
    const server = await startEmbeddedMongo({ memory: true });
    const client = await new MongoClient(server.url).connect();
    const outcomes = { replied: 0, closed: 0, unanswerable: 0 };
    const writer = async (number: number) => {
      const roll = rollFrom(SEED + number);
      let connection: RawConnection | null = null;
      for (let i = 0; i < MESSAGES / WRITERS; i++) {
        connection ??= await RawConnection.open(server.url);
        const message = damagedMessage(roll);
        connection.socket.write(message);
        let isOver = isUnanswerable(message);
        if (isOver) outcomes.unanswerable += 1;
        else {
          const reply = await within(connection.reply(), message);
          isOver = reply === null;
          outcomes[isOver ? "closed" : "replied"] += 1;
        }
        if (!isOver) continue;
        connection.close();
        connection = null;
      }
      connection?.close();
    };
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    collect();
    const before = process.memoryUsage();
    await Promise.all(Array.from({ length: WRITERS }, (_, number) => writer(number)));
    await client.db("fuzz").dropDatabase();
    collect();
    const after = process.memoryUsage();
    assert.ok(outcomes.replied > MESSAGES / 10 && outcomes.closed > MESSAGES / 50, JSON.stringify(outcomes));
    const growth = after.heapUsed + after.external - before.heapUsed - before.external;
    assert.ok(growth < GROWTH_BYTES, `memory has grown by ${growth} bytes`);

    await client.db("after").collection<{ _id: number }>("sound").insertOne({ _id: 1 });
    assert.equal(await client.db("after").collection("sound").countDocuments(), 1);
    assert.equal(server.stats().cursors, 0);
    await client.close();
    await server.close();
  });
});

async function within<T>(event: Promise<T>, message: Buffer): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer to ${message.toString("hex")}`)), LIMIT_MS);
  try {
    return await Promise.race([event, promise]);
  } finally {
    clearTimeout(timer);
  }
}
