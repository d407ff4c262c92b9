import type { ReadinessCheck } from "../../../shared/monitoring/monitoring.ts";
import { withTimeLimit } from "../../../shared/time-limit.ts";

export interface LeaderStatus {
  /** Null where no node holds the lease. */
  readonly node: string | null;
  /** What keeps it from working. */
  readonly problem: string | null;
  /** Tasks that only skip. */
  readonly skipping: readonly { readonly taskId: string; readonly name: string }[];
}

/** Tasks that a warning names. */
const NAMED_TASKS = 5;

/** What readiness depends on. One request reads each source at most once. */
export interface ReadinessSources {
  /** Services without which endpoints fail. */
  readonly requiredServices: readonly string[];
  isServiceAvailable(name: string): boolean;
  /** Undefined where no bus is configured: all services are in this process. */
  isBusConnected(): boolean | undefined;
  /** Why the bus accepts no events at present. Requests still work then: tasks can be read and paused. */
  busProblem(): string | undefined;
  /** Reads the state of the leader. Undefined: scheduling is switched off. */
  leader: (() => Promise<LeaderStatus>) | undefined;
  /** Checks of the process around the gateway: stores, streams. */
  more(): Promise<readonly ReadinessCheck[]>;
}

/** Reads all sources at once; one that does not respond within `limitMs` counts as missing. Never rejects. */
export async function readinessOf(
  sources: ReadinessSources,
  limitMs: number,
): Promise<readonly ReadinessCheck[]> {
  const services = sources.requiredServices.map((name) => {
    const ok = sources.isServiceAvailable(name);
    return { name, ok, ...(ok ? {} : { reason: "no running instance is known" }) };
  });
  const isConnected = sources.isBusConnected();
  const bus = isConnected === undefined ? [] : [busCheck(isConnected, sources.busProblem())];
  const isSchedulerThere = services.every(({ name, ok }) => name !== "scheduler" || ok);
  const [leader, more] = await Promise.all([
    isSchedulerThere && sources.leader ? leaderCheck(sources.leader, limitMs) : [],
    withTimeLimit(sources.more(), limitMs, late).catch((error: unknown) => [failed("checks", error)]),
  ]);
  return [...services, ...bus, ...leader, ...more];
}

function busCheck(isConnected: boolean, problem: string | undefined): ReadinessCheck {
  if (!isConnected) return { name: "bus", ok: false, reason: "not connected" };
  return { name: "bus", ok: true, ...(problem === undefined ? {} : { warning: problem }) };
}

async function leaderCheck(
  leader: () => Promise<LeaderStatus>,
  limitMs: number,
): Promise<readonly ReadinessCheck[]> {
  const name = "scheduler leader";
  try {
    const { node, problem, skipping } = await withTimeLimit(leader(), limitMs, late);
    const reason = node === null ? "no scheduler holds the lease" : problem;
    const warning = skipping.length === 0 ? {} : { warning: describe(skipping) };
    return [reason === null ? { name, ok: true, ...warning } : { name, ok: false, reason, ...warning }];
  } catch (error) {
    return [failed(name, error)];
  }
}

function describe(skipping: LeaderStatus["skipping"]): string {
  const named = skipping.slice(0, NAMED_TASKS).map(({ taskId, name }) => `${name} (${taskId})`);
  const rest = skipping.length > NAMED_TASKS ? ` and ${skipping.length - NAMED_TASKS} more` : "";
  return `tasks that only skip, since they wait for a run that no executor has: ${named.join(", ")}${rest}`;
}

const late = () => new DOMException("no response in time", "TimeoutError");

/** The error itself is not returned: it may have addresses and names in it. */
function failed(name: string, error: unknown): ReadinessCheck {
  const isLate = error instanceof Error && error.name === "TimeoutError";
  return { name, ok: false, reason: isLate ? "did not answer in time" : "could not be asked" };
}
