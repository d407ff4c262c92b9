import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { MongoClient } from "mongodb";
import { eventually } from "../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { startTcpProxy, type TcpProxy } from "../../test/tcp-proxy.ts";
import { watchMonitors } from "./monitor-watch.ts";

const SELECTION_MS = 500;

interface Internals {
  readonly topology: {
    readonly s: {
      readonly servers: ReadonlyMap<
        string,
        { monitor: { connection: { socket: Socket }; requestCheck(): void } }
      >;
    };
  };
}

describe("a check of a MongoDB server that never ends", () => {
  let mongo: TestMongo;
  let proxy: TcpProxy;
  before(async () => {
    mongo = await startTestMongo();
    proxy = await startTcpProxy(mongo.port);
  });
  after(async () => {
    await proxy?.close();
    await mongo?.close();
  });

  async function connected(): Promise<MongoClient> {
    const client = new MongoClient(`mongodb://127.0.0.1:${proxy.port}/kinit?directConnection=true`, {
      serverSelectionTimeoutMS: SELECTION_MS,
      heartbeatFrequencyMS: 500,
    });
    return client.connect();
  }
  /** Destroys the monitor's connection in the moment in which it is written to, then breaks all others. */
  async function hang(client: MongoClient): Promise<void> {
    const [server] = [...(client as unknown as Internals).topology.s.servers.values()];
    assert.ok(server);
    const { monitor } = server;
    await eventually(() => monitor.connection !== null);
    const destroyed = new Promise<void>((resolve) =>
      client.once("serverHeartbeatStarted", () => {
        monitor.connection.socket.destroy();
        resolve();
      }),
    );
    await destroyed;
    proxy.cut();
    proxy.restore();
  }
  const isReachable = (client: MongoClient): Promise<boolean> =>
    client
      .db()
      .command({ ping: 1 })
      .then(
        () => true,
        () => false,
      );

  it("is restarted, and the server found again", async () => {
    const client = await connected();
    const restarted: string[] = [];
    watchMonitors(client, { limitMs: 1000, onRestart: (address) => restarted.push(address) });
    try {
      await hang(client);
      await eventually(() => restarted.length > 0);
      await eventually(() => isReachable(client));
      assert.deepEqual(restarted, [`127.0.0.1:${proxy.port}`]);
    } finally {
      await client.close();
    }
  });

  // With a driver that fails this one, the watch can go.
  it("is what the driver would wait for until the process ends", async () => {
    const client = await connected();
    try {
      await hang(client);
      await isReachable(client);
      // Many times what the driver's own checks take.
      await assert.rejects(eventually(() => isReachable(client), 4 * SELECTION_MS));
    } finally {
      await client.close();
    }
  });
});
