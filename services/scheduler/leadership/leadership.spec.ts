import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import { eventually } from "../../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../../test/mongo.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { startTcpProxy } from "../../../test/tcp-proxy.ts";
import { createLeadership, type Leadership, type LeadershipOptions } from "./leadership.ts";
import { type LeaseDocument, type LeaseStore, mongoLease } from "./mongo-lease.ts";

const LEASE_MS = 400;
/** Does not run out while a busy machine is elsewhere. */
const LONG_LEASE_MS = 10_000;
const sessions = () => [];

describe("the lease of the active scheduler", () => {
  let mongo: TestMongo;
  let leases: Collection<LeaseDocument>;
  const nodes: Leadership[] = [];
  before(async () => {
    mongo = await startTestMongo();
    leases = mongo.db.collection("leases");
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.stop()));
    await leases.deleteMany({});
  });
  after(() => mongo.close());

  const leaseOf = (holder: string) =>
    mongoLease({ leases, name: "scheduler", holder, timeoutMs: 1000, sessions });

  /** A node that competes for the lease; `gained` and `lost` resolve when that happens. */
  function contender(
    holder: string,
    lease: LeaseStore = leaseOf(holder),
    { leaseMs = LEASE_MS, ...options }: Partial<LeadershipOptions> = {},
  ) {
    const gained = Promise.withResolvers<number>();
    const lost = Promise.withResolvers<number>();
    const node = createLeadership({
      lease,
      holder,
      leaseMs,
      log: silentLog,
      onGained: async () => gained.resolve(performance.now()),
      onLost: async () => lost.resolve(performance.now()),
      ...options,
    });
    nodes.push(node);
    node.start();
    return { node, gained: gained.promise, lost: lost.promise };
  }

  it("is held by one node, and the others know its id", async () => {
    const first = contender("a", leaseOf("a"), { leaseMs: LONG_LEASE_MS });
    await first.gained;
    const second = contender("b", leaseOf("b"), { leaseMs: LONG_LEASE_MS });
    await eventually(() => second.node.leader() !== null);
    assert.deepEqual([first.node.isLeader(), second.node.isLeader()], [true, false]);
    assert.deepEqual([first.node.leader(), second.node.leader()], ["a", "a"]);
  });

  it("is acquired by another node at once when its holder stops", async () => {
    const first = contender("a", leaseOf("a"), { leaseMs: LONG_LEASE_MS });
    await first.gained;
    const second = contender("b", leaseOf("b"), { leaseMs: LONG_LEASE_MS });
    const stoppedAt = performance.now();
    await first.node.stop();
    assert.ok((await second.gained) - stoppedAt < LONG_LEASE_MS);
  });

  it("is acquired by another node when its holder is cut off, and not before the holder has stopped its work", async () => {
    const lease = leaseOf("a");
    let isCut = false;
    const renew: LeaseStore["renew"] = (epoch) =>
      isCut ? Promise.reject(new Error("cut off")) : lease.renew(epoch);
    const first = contender("a", { ...lease, renew });
    await first.gained;
    isCut = true;
    const second = contender("b");
    const [lostAt, gainedAt] = await Promise.all([first.lost, second.gained]);
    assert.ok(lostAt < gainedAt, "two nodes were active at the same time");
    assert.equal(first.node.isLeader(), false);
  });

  it("is read at one interval, independent of how often it was lost while the store did not respond", async () => {
    const lease = leaseOf("a");
    let gains = 0;
    let reads = 0;
    let renewals = 0;
    const { node } = contender("a", {
      ...lease,
      read() {
        reads += 1;
        return lease.read();
      },
      async acquire(seen) {
        if (gains === 2) return null;
        gains += 1;
        return lease.acquire(seen && { ...seen });
      },
      // Still in flight when the lease expires.
      async renew() {
        renewals += 1;
        await new Promise((resolve) => setTimeout(resolve, LEASE_MS));
        renewals -= 1;
        throw new Error("no response");
      },
    });
    await eventually(() => gains === 2 && !node.isLeader() && renewals === 0);
    const [before, startedAt] = [reads, performance.now()];
    await eventually(() => reads >= before + 20);
    const everyMs = (performance.now() - startedAt) / 20;
    assert.ok(everyMs >= LEASE_MS / 10, `read every ${everyMs} ms`);
  });

  it("is given up in time if the store does not respond", async () => {
    const proxy = await startTcpProxy(mongo.port);
    const url = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`;
    const client = await new MongoClient(url).connect();
    try {
      const cutOff = client.db("kinit").collection<LeaseDocument>("leases");
      const lease = mongoLease({ leases: cutOff, name: "scheduler", holder: "a", timeoutMs: 100, sessions });
      const first = contender("a", lease);
      await first.gained;
      proxy.freeze();
      const second = contender("b");
      const [lostAt, gainedAt] = await Promise.all([first.lost, second.gained]);
      assert.ok(lostAt < gainedAt, "two nodes were active at the same time");
      await eventually(() => first.node.leader() === null);
      // Resolves although the store still does not respond.
      await first.node.stop();
    } finally {
      proxy.restore();
      await client.close();
      await proxy.close();
    }
  });

  it("is given up by a holder that cannot do the work, and not taken by it until it can", async () => {
    let reason: string | null = null;
    const first = contender("a", leaseOf("a"), { leaseMs: LEASE_MS, impediment: () => reason });
    await first.gained;
    reason = "the outcome of a commit is unknown";
    const [lostAt] = await Promise.all([first.lost, eventually(() => first.node.leader() === null)]);
    const second = contender("b");
    assert.ok((await second.gained) - lostAt < LEASE_MS, "it was released at once");
    reason = null;
    await second.node.stop();
    await eventually(() => first.node.isLeader());
  });

  it("is acquired by another node at once when the holder's process has ended on this host", async () => {
    const first = contender("a");
    await first.gained;
    // A process id that no process can have.
    await leases.updateOne({ _id: "scheduler" }, { $set: { pid: 2 ** 30, boot: "gone" } });
    const startedAt = performance.now();
    const second = contender("b");
    assert.ok((await second.gained) - startedAt < LEASE_MS);
    await first.lost;
  });

  it("is acquired by one of many nodes that try at the same time", async () => {
    // Long enough that no node takes over during the checks.
    const many = Array.from({ length: 8 }, (_, n) =>
      contender(`node-${n}`, leaseOf(`node-${n}`), { leaseMs: 10_000 }),
    );
    await Promise.race(many.map(({ gained }) => gained));
    await eventually(() => many.every(({ node }) => node.leader() !== null));
    const held = await leases.findOne({ _id: "scheduler" });
    assert.equal(many.filter(({ node }) => node.isLeader()).length, 1);
    assert.deepEqual(new Set(many.map(({ node }) => node.leader())), new Set([held?.holder]));
  });
});
