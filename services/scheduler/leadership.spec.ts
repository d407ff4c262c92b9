import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { Collection } from "mongodb";
import { eventually } from "../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { silentLog } from "../../test/silent-log.ts";
import { createLeadership, type Leadership } from "./leadership.ts";
import { type LeaseDocument, type LeaseStore, mongoLease } from "./mongo-lease.ts";

const LEASE_MS = 400;

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

  const leaseOf = (holder: string) => mongoLease({ leases, name: "scheduler", holder, timeoutMs: 1000 });

  /** A node that competes for the lease; `gained` and `lost` resolve when that happens. */
  function contender(holder: string, lease: LeaseStore = leaseOf(holder), leaseMs = LEASE_MS) {
    const gained = Promise.withResolvers<number>();
    const lost = Promise.withResolvers<number>();
    const node = createLeadership({
      lease,
      holder,
      leaseMs,
      log: silentLog,
      onGained: async () => gained.resolve(performance.now()),
      onLost: async () => lost.resolve(performance.now()),
    });
    nodes.push(node);
    node.start();
    return { node, gained: gained.promise, lost: lost.promise };
  }

  it("is held by one node; the others know which", async () => {
    const first = contender("a");
    await first.gained;
    const second = contender("b");
    await eventually(() => second.node.leader() !== null);
    assert.deepEqual([first.node.isLeader(), second.node.isLeader()], [true, false]);
    assert.deepEqual([first.node.leader(), second.node.leader()], ["a", "a"]);
  });

  it("passes on at once when its holder stops in order", async () => {
    const first = contender("a");
    await first.gained;
    const second = contender("b");
    const stoppedAt = performance.now();
    await first.node.stop();
    assert.ok((await second.gained) - stoppedAt < LEASE_MS);
  });

  it("passes on after a lease when its holder falls silent, and not before that holder has stopped", async () => {
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

  it("passes on at once when its holder's process has ended on this host", async () => {
    const first = contender("a");
    await first.gained;
    // A process id that no process can have.
    await leases.updateOne({ _id: "scheduler" }, { $set: { pid: 2 ** 30, boot: "gone" } });
    const askedAt = performance.now();
    const second = contender("b");
    assert.ok((await second.gained) - askedAt < LEASE_MS);
    await first.lost;
  });

  it("is given to one of many that ask at the same time", async () => {
    // Long enough that none takes over while the test looks.
    const many = Array.from({ length: 8 }, (_, n) => contender(`node-${n}`, leaseOf(`node-${n}`), 10_000));
    await Promise.race(many.map(({ gained }) => gained));
    await eventually(() => many.every(({ node }) => node.leader() !== null));
    const held = await leases.findOne({ _id: "scheduler" });
    assert.equal(many.filter(({ node }) => node.isLeader()).length, 1);
    assert.deepEqual(new Set(many.map(({ node }) => node.leader())), new Set([held?.holder]));
  });
});
