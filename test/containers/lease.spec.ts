import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Collection } from "mongodb";
import type { LeaseDocument } from "../../services/scheduler/leadership/mongo-lease.ts";
import { eventually } from "../eventually.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";
import { noPidNamespaces, spawnInPidNamespace } from "./pid-namespace.ts";

const NODE = fileURLToPath(new URL("lease.process.ts", import.meta.url));
const LEASE_MS = 2000;

describe("the lease between containers of one host name", { skip: noPidNamespaces }, () => {
  let mongo: TestMongo;
  let leases: Collection<LeaseDocument>;
  const nodes: ChildProcess[] = [];
  before(async () => {
    mongo = await startTestMongo();
    leases = mongo.db.collection("leases");
  });
  after(async () => {
    for (const node of nodes) node.kill("SIGKILL");
    await mongo.close();
  });

  /** A scheduler node that is process 1 of its namespace; `sees` resolves when it takes a node for the leader. */
  function startNode(holder: string) {
    const child = spawnInPidNamespace(NODE, [mongo.url, holder, String(LEASE_MS)]);
    nodes.push(child);
    const seen: string[] = [];
    createInterface(child.stdout!).on("line", (line) => seen.push(line));
    return { child, sees: (leader: string) => eventually(() => seen.at(-1) === `1 ${leader}`) };
  }

  it("stays with a holder that lives, and passes on when its heartbeat has stopped", async () => {
    const first = startNode("a");
    await first.sees("a");
    const second = startNode("b");
    await second.sees("a");
    const { beat } = (await leases.findOne())!;
    await eventually(async () => (await leases.findOne())!.beat >= beat + 6);
    const { holder, epoch, pid } = (await leases.findOne())!;
    assert.deepEqual([holder, epoch, pid], ["a", 1, 1]);

    const ended = once(first.child, "exit");
    first.child.kill("SIGKILL");
    await ended;
    await second.sees("b");
    assert.equal((await leases.findOne())!.epoch, 2);
  });
});
