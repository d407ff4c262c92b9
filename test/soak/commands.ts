import type { PlannedCommand, PlannedTask } from "./plan.ts";

/** A command and what is known of its effect: `unknown` where its answer was lost or says that it may be repeated. */
export interface Told {
  readonly kind: PlannedCommand["kind"];
  readonly key: string;
  readonly taskId: string;
  readonly name: string;
  readonly sentAt: number;
  readonly answeredAt: number;
  readonly outcome: "done" | "refused" | "unknown";
  /** For a run: the record's id. */
  readonly runId: string | null;
}

export interface Commands {
  /** Everything that was sent, in the order of the answers. */
  readonly told: readonly Told[];
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

interface Answer {
  readonly code: number;
  readonly data: unknown;
  readonly location: string | null;
}

const LIMIT_MS = 30_000;
/** Answers that say nothing about what happened. */
const MAYBE = new Set([500, 503, 504]);

export function soakCommands({ address, bodyOf }: CommandsOptions): Commands {
  const told: Told[] = [];
  const ids = new Map<string, string>();
  const turns = new Map<string, Promise<void>>();

  async function ask(path: string, body?: object): Promise<Answer> {
    const response = await fetch(address + path, {
      method: "POST",
      signal: AbortSignal.timeout(LIMIT_MS),
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const { code, data } = (await response.json()) as { code: number; data: unknown };
    return { code, data, location: response.headers.get("location") };
  }

  async function tell(command: PlannedCommand): Promise<void> {
    const { kind, key, task } = command;
    const taskId = ids.get(key);
    if (kind !== "create" && taskId === undefined) return;
    const name = `soak-${key}`;
    const body = task && { ...bodyOf(task), name };
    const [path, sent] = {
      create: ["/scheduler/task/create", body],
      change: ["/scheduler/task/update", { data_id: taskId, data: body }],
      stop: [`/scheduler/task/stop/update?data_id=${taskId}`],
      start: [`/scheduler/task/start/update?data_id=${taskId}`],
      run: [`/scheduler/task/run/create?data_id=${taskId}`],
      remove: [`/scheduler/task/delete?data_id=${taskId}`],
    }[kind] as [string, object?];
    const sentAt = Date.now();
    const answer = await ask(path, sent).catch(() => null);
    const outcome = outcomeOf(answer);
    const created = answer?.location?.slice(-24);
    if (kind === "create" && created) ids.set(key, created);
    told.push({
      kind,
      key,
      name,
      taskId: taskId ?? created ?? "",
      sentAt,
      answeredAt: Date.now(),
      outcome,
      runId: kind === "run" && outcome === "done" ? String(answer?.data) : null,
    });
  }

  /** Commands on one task go one after the other, so that it is known which answer came last. */
  function inTurn(key: string, step: () => Promise<void>): Promise<void> {
    const next = (turns.get(key) ?? Promise.resolve()).then(step);
    turns.set(key, next);
    return next;
  }

  return {
    told,
    send: (command) =>
      inTurn(command.key, async () => {
        // A task that is active cannot be deleted.
        if (command.kind === "remove") await tell({ ...command, kind: "stop" });
        await tell(command);
      }),
    async stopForGood(taskId) {
      for (const deadline = Date.now() + LIMIT_MS; ; ) {
        const answer = await ask(`/scheduler/task/stop/update?data_id=${taskId}`).catch(() => null);
        if (outcomeOf(answer) === "done") return;
        if (Date.now() > deadline) throw new Error(`task ${taskId} cannot be stopped: ${answer?.code}`);
      }
    },
    idle: async () => void (await Promise.all(turns.values())),
  };
}

function outcomeOf(answer: Answer | null): Told["outcome"] {
  if (answer === null || MAYBE.has(answer.code)) return "unknown";
  return answer.code === 200 ? "done" : "refused";
}
