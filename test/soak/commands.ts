import type { PlannedCommand } from "./plan.ts";
import type { PlannedTask } from "./plan-tasks.ts";

/** A command and what is known of its effect: `unknown` where its answer was lost or says that it may be repeated. */
export interface SentCommand {
  readonly kind: PlannedCommand["kind"];
  /** Empty where a creation was not answered with success. */
  readonly taskId: string;
  /** The id of the request, which the events that it leads to name as their cause. */
  readonly cause: string;
  readonly sentAt: number;
  readonly respondedAt: number;
  readonly outcome: "done" | "refused" | "unknown";
  /** The answer's code; null where there was none. */
  readonly code: number | null;
  /** What it says that it did: the record's id, for a run. */
  readonly data: unknown;
}

export interface Commands {
  /** Everything that was sent, in the order of the answers. */
  readonly sentCommands: readonly SentCommand[];
  send(command: PlannedCommand): Promise<void>;
  /** Sets a task still, however often it has to be asked. */
  stopForGood(taskId: string): Promise<void>;
  /** Resolves when all answers are there. */
  idle(): Promise<void>;
}

export interface CommandsOptions {
  readonly address: string;
  /** Makes the body of a task that a plan describes. */
  bodyOf(task: PlannedTask): object;
}

interface CommandResponse {
  readonly code: number;
  readonly data: unknown;
  readonly location: string | null;
}

const LIMIT_MS = 45_000;
/** Answers that say nothing about what happened. */
const MAYBE = new Set([500, 503, 504]);

export function soakCommands({ address, bodyOf }: CommandsOptions): Commands {
  const sentCommands: SentCommand[] = [];
  const ids = new Map<string, string>();
  const turns = new Map<string, Promise<void>>();
  const underWay = new Set<Promise<void>>();

  async function request(path: string, cause: string, body?: object): Promise<CommandResponse> {
    const response = await fetch(address + path, {
      method: "POST",
      signal: AbortSignal.timeout(LIMIT_MS),
      headers: {
        "x-request-id": cause,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { code, data } = (await response.json()) as { code: number; data: unknown };
    return { code, data, location: response.headers.get("location") };
  }

  async function sendOne({ kind, key, task }: PlannedCommand): Promise<void> {
    const taskId = ids.get(key);
    if (kind !== "create" && taskId === undefined) return;
    const name = `soak-${key}`;
    const body = task && { ...bodyOf(task), name };
    const { location } = await exchange({ kind, taskId: taskId ?? "" }, body);
    const created = location?.slice(-24);
    if (kind === "create" && created) ids.set(key, created);
  }

  async function exchange({ kind, taskId }: Pick<SentCommand, "kind" | "taskId">, body?: object) {
    const [path, sent] = {
      create: ["/scheduler/task/create", body],
      change: ["/scheduler/task/update", { data_id: taskId, data: body }],
      stop: [`/scheduler/task/stop/update?data_id=${taskId}`],
      start: [`/scheduler/task/start/update?data_id=${taskId}`],
      run: [`/scheduler/task/run/create?data_id=${taskId}`],
      remove: [`/scheduler/task/delete?data_id=${taskId}`],
    }[kind] as [string, object?];
    const cause = crypto.randomUUID();
    const sentAt = Date.now();
    const response = await request(path, cause, sent).catch(() => null);
    const { code = null, data = null, location = null } = response ?? {};
    sentCommands.push({
      kind,
      cause,
      taskId: taskId || (location?.slice(-24) ?? ""),
      sentAt,
      respondedAt: Date.now(),
      outcome: outcomeOf(code),
      code,
      data,
    });
    return { code, location };
  }

  function send(command: PlannedCommand): Promise<void> {
    const { key, kind, isConcurrent } = command;
    const step = async () => {
      // A task that is active cannot be deleted.
      if (kind === "remove") await sendOne({ ...command, kind: "stop" });
      await sendOne(command);
    };
    if (isConcurrent) return step();
    const next = (turns.get(key) ?? Promise.resolve()).then(step);
    turns.set(key, next);
    return next;
  }

  return {
    sentCommands,
    send(command) {
      const sending = send(command).finally(() => underWay.delete(sending));
      underWay.add(sending);
      return sending;
    },
    async stopForGood(taskId) {
      for (const deadline = Date.now() + LIMIT_MS; ; ) {
        const { code } = await exchange({ kind: "stop", taskId });
        if (code === 200) return;
        if (Date.now() > deadline) throw new Error(`task ${taskId} cannot be stopped: ${code}`);
      }
    },
    idle: async () => void (await Promise.all(underWay)),
  };
}

function outcomeOf(code: number | null): SentCommand["outcome"] {
  if (code === null || MAYBE.has(code)) return "unknown";
  return code === 200 ? "done" : "refused";
}
