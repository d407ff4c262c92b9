import { MongoClient } from "mongodb";
import { createLeadership } from "../../services/scheduler/leadership/leadership.ts";
import { type LeaseDocument, mongoLease } from "../../services/scheduler/leadership/mongo-lease.ts";
import { silentLog } from "../silent-log.ts";

/** A node that competes for the lease, as a process of its own: prints the leader whenever that changes. */
const [url = "", holder = "", leaseMs = "500"] = process.argv.slice(2);
const client = await new MongoClient(url).connect();
const leases = client.db("kinit").collection<LeaseDocument>("leases");
const node = createLeadership({
  lease: mongoLease({ leases, name: "scheduler", holder, timeoutMs: 1_000, sessions: () => [] }),
  holder,
  leaseMs: Number(leaseMs),
  log: silentLog,
  onGained: async () => {},
  onLost: async () => {},
});
node.start();
let printed: string | null = null;
setInterval(() => {
  const leader = node.leader();
  if (leader === printed) return;
  printed = leader;
  console.log(`${process.pid} ${leader}`);
}, 20);
