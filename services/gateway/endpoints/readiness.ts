/** One thing that has to be there before requests make sense. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Why not, in words for whoever runs this. */
  readonly reason?: string;
  /** What wants attention although it is there. */
  readonly warning?: string;
}

export interface LeaderStatus {
  /** Null where no node holds the lease. */
  readonly node: string | null;
  /** What keeps it from its work. */
  readonly problem: string | null;
  /** Tasks that only skip. */
  readonly skipping: readonly { readonly taskId: string; readonly name: string }[];
}

/** Tasks that a warning names. */
const NAMED_TASKS = 5;

/** What readiness is judged by; each may be asked at any time and none is asked twice at once by one request. */
export interface ReadinessSources {
  /** Services without which endpoints fail. */
  readonly requiredServices: readonly string[];
  isServiceAvailable(name: string): boolean;
  /** Undefined where no bus is configured: all services are in this process. */
  isBusConnected(): boolean | undefined;
  /** Why the bus takes no new events at present. Requests still make sense then: tasks can be read and stopped. */
  busRefusal(): string | undefined;
  /** The scheduler that holds the lease. Undefined: nothing is to be scheduled. */
  leader: (() => Promise<LeaderStatus>) | undefined;
  /** Checks of the process around the gateway: stores, streams. */
  more(): Promise<readonly ReadinessCheck[]>;
}

/** Asks everything at once; whatever does not answer within `limitMs` counts as missing. Never rejects. */
export async function readinessOf(
  sources: ReadinessSources,
  limitMs: number,
): Promise<readonly ReadinessCheck[]> {
  const services = sources.requiredServices.map((name) => {
    const ok = sources.isServiceAvailable(name);
    return { name, ok, ...(ok ? {} : { reason: "no running instance is known" }) };
  });
  const isConnected = sources.isBusConnected();
  const bus = isConnected === undefined ? [] : [busCheck(isConnected, sources.busRefusal())];
  const isSchedulerThere = services.every(({ name, ok }) => name !== "scheduler" || ok);
  const [leader, more] = await Promise.all([
    isSchedulerThere && sources.leader ? leaderCheck(sources.leader, limitMs) : [],
    within(sources.more(), limitMs).catch((error: unknown) => [failed("checks", error)]),
  ]);
  return [...services, ...bus, ...leader, ...more];
}

function busCheck(isConnected: boolean, refusal: string | undefined): ReadinessCheck {
  if (!isConnected) return { name: "bus", ok: false, reason: "not connected" };
  return { name: "bus", ok: true, ...(refusal === undefined ? {} : { warning: refusal }) };
}

async function leaderCheck(
  leader: () => Promise<LeaderStatus>,
  limitMs: number,
): Promise<readonly ReadinessCheck[]> {
  const name = "scheduler leader";
  try {
    const { node, problem, skipping } = await within(leader(), limitMs);
    const reason = node === null ? "no scheduler holds the lease" : problem;
    const warning = skipping.length === 0 ? {} : { warning: inWords(skipping) };
    return [reason === null ? { name, ok: true, ...warning } : { name, ok: false, reason, ...warning }];
  } catch (error) {
    return [failed(name, error)];
  }
}

function inWords(skipping: LeaderStatus["skipping"]): string {
  const named = skipping.slice(0, NAMED_TASKS).map(({ taskId, name }) => `${name} (${taskId})`);
  const rest = skipping.length > NAMED_TASKS ? ` and ${skipping.length - NAMED_TASKS} more` : "";
  return `tasks that only skip, since they wait for a run that no executor has: ${named.join(", ")}${rest}`;
}

/** The fault itself stays in the log: it may hold addresses and names that are nobody's business. */
function failed(name: string, error: unknown): ReadinessCheck {
  const isLate = error instanceof Error && error.name === "TimeoutError";
  return { name, ok: false, reason: isLate ? "did not answer in time" : "could not be asked" };
}

async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DOMException("late", "TimeoutError")), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
