import type { Db } from "mongodb";
import type { FenceDocument } from "../../services/scheduler/leadership/mongo-fence.ts";
import type { LeaseDocument } from "../../services/scheduler/leadership/mongo-lease.ts";
import { isGone } from "../../shared/process-identity.ts";
import type { Inspected, Inspection, InspectionRequest } from "./inspection.ts";
import { duration, table } from "./text.ts";

/** `lease`: which scheduler is the leader. */
export const lease: Inspection = {
  name: "lease",
  summary: "which scheduler is the leader, since which epoch, and when it last renewed its lease",
  takesId: false,
  defaultLimit: null,
  inspect,
};

async function inspect(db: Db, { now }: InspectionRequest): Promise<Inspected> {
  const [leases, fences] = await Promise.all([
    db
      .collection<LeaseDocument>("leases")
      .find({}, { sort: { _id: 1 } })
      .toArray(),
    db.collection<FenceDocument>("fences").find({}).toArray(),
  ]);
  const fencedEpoch = fences.reduce((highest, { epoch }) => Math.max(highest, epoch), 0);
  const shown = leases.map((document) => ({ ...rowOf(document, now), fencedEpoch }));
  const lines = shown.flatMap((row, index) => [...(index > 0 ? [""] : []), ...linesOf(row)]);
  return {
    json: { leases: shown },
    lines: lines.length > 0 ? lines : ["No scheduler has held a lease yet."],
  };
}

/** A holder on another host, or in another container, is `held` until its lease runs out. */
function stateOf(document: LeaseDocument): "released" | "ended" | "held" {
  if (document.released) return "released";
  return isGone(document) ? "ended" : "held";
}

function rowOf(document: LeaseDocument, now: number) {
  return {
    name: document._id,
    state: stateOf(document),
    holder: document.holder,
    pid: document.pid,
    host: document.host,
    epoch: document.epoch,
    renewedAt: document.renewed_at.toISOString(),
    renewedMsAgo: now - document.renewed_at.getTime(),
    sessions: document.sessions?.length ?? 0,
  };
}

const STATES = {
  held: "held",
  released: "released: a standby takes it at once",
  ended: "its holder has ended without releasing it: a standby takes it",
};

const linesOf = (row: ReturnType<typeof rowOf> & { readonly fencedEpoch: number }) =>
  table([
    ["lease", row.name],
    ["state", STATES[row.state]],
    ["holder", `${row.holder} (process ${row.pid} on ${row.host})`],
    ["epoch", `${row.epoch}; transactions of epochs before ${row.fencedEpoch} are rejected`],
    ["renewed", `${row.renewedAt} (${duration(row.renewedMsAgo)} ago, by the clocks of two machines)`],
    ["sessions", String(row.sessions)],
  ]);
