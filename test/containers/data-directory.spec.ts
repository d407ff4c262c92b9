import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { startEmbeddedMongo } from "@kinit/embedded-mongo";
import { MongoClient } from "mongodb";
import { noPidNamespaces, spawnInPidNamespace } from "./pid-namespace.ts";

const SERVER = fileURLToPath(new URL("mongo-server.process.ts", import.meta.url));

interface Item {
  readonly _id: number;
}

describe("a data directory between containers of one host name", { skip: noPidNamespaces }, () => {
  const parent = mkdtempSync(join(tmpdir(), "kinit-mongo-"));
  const servers: ChildProcess[] = [];
  const clients: MongoClient[] = [];
  const directory = () => join(parent, "data");
  after(async () => {
    for (const client of clients) await client.close();
    for (const server of servers) server.kill("SIGKILL");
    rmSync(parent, { recursive: true, force: true });
  });

  /** Starts a server that is process 1 of its namespace; `says` is its address, or why it did not start. */
  async function startServer() {
    const unshare = spawnInPidNamespace(SERVER, [directory()]);
    servers.push(unshare);
    const [line] = await once(unshare.stdout!, "data");
    const server = Number(readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, "utf8"));
    const signal = (name: NodeJS.Signals) => process.kill(server, name);
    return { unshare, line: String(line).trim(), signal };
  }

  async function itemsOf(url: string) {
    const client = await new MongoClient(url, { serverSelectionTimeoutMS: 5_000 }).connect();
    clients.push(client);
    return client.db("app").collection<Item>("items");
  }

  it("belongs to one server, and a suspended one that has lost it writes nothing more", async () => {
    const first = await startServer();
    const items = await itemsOf(first.line);
    await items.insertOne({ _id: 1 });
    const second = await startServer();
    assert.match(second.line, /in use by process 1 on /);
    await items.insertOne({ _id: 2 });

    first.signal("SIGSTOP");
    const successor = await startServer();
    const inherited = await itemsOf(successor.line);
    await inherited.insertOne({ _id: 3 });
    first.signal("SIGCONT");
    await assert.rejects(items.insertOne({ _id: 4 }), {
      code: 14031,
      message: /another process has taken it/,
    });
    await inherited.insertOne({ _id: 5 });

    const ended = once(successor.unshare, "exit");
    successor.unshare.kill("SIGKILL");
    await ended;
    // A copy, since the lock of a killed server is only free when its heartbeat has stood still for ten seconds.
    const copy = join(parent, "copy");
    cpSync(directory(), copy, { recursive: true });
    rmSync(join(copy, "LOCK"));
    const server = await startEmbeddedMongo({ dir: copy });
    const stored = await (await itemsOf(server.url)).find().sort({ _id: 1 }).toArray();
    await clients.pop()!.close();
    await server.close();
    assert.deepEqual(
      stored.map(({ _id }) => _id),
      [1, 2, 3, 5],
    );
  });
});
