import { setTimeout as delay } from "node:timers/promises";
import type { TcpProxy } from "../tcp-proxy.ts";
import { type SentCommand, soakCommands } from "./commands.ts";
import type { Plan, PlannedCommand } from "./plan.ts";
import type { PlannedFault } from "./plan-faults.ts";
import type { PlannedTask } from "./plan-tasks.ts";
import type { SoakPlatform } from "./platform.ts";
import type { Sink } from "./sink.ts";
import { stallWatch } from "./stall-watch.ts";

/** What a round leaves for the checks. */
export interface Round {
  readonly sentCommands: readonly SentCommand[];
  /** From here on nothing was disturbed any more, by faults or by a machine that stood still (ms). */
  readonly calmAt: number;
  /** When all tasks were about to be stopped (ms). */
  readonly endedAt: number;
  /** When the sink was called by the runs of a task (ms). */
  readonly calledAt: (key: string) => readonly number[];
  /** What was wrong while the platform could still be asked. */
  readonly faults: readonly string[];
}

/** How long tasks go on after the last fault, undisturbed. */
const CALM_MS = 12_000;
/** On a machine that is too busy to be calm for that long. */
const CALM_LIMIT_MS = 90_000;
const READY_LIMIT_MS = 120_000;
const QUIET_LIMIT_MS = 90_000;
/** Newest records looked at for open ones. */
const LOOKED_AT = 3000;
const CREATING = 10;

export interface RoundOptions {
  readonly plan: Plan;
  readonly platform: SoakPlatform;
  readonly sink: Sink;
  readonly print: (line: string) => void;
}

/** Lets a plan happen to a platform, then lets it come to rest. */
export async function playRound({ plan, platform, sink, print }: RoundOptions): Promise<Round> {
  await platform.startAll();
  await ready(platform);
  let startedAt = Date.now();
  const commands = soakCommands({ address: platform.address, bodyOf: (task) => bodyOf(task, sink) });
  const until = (atMs: number) => delay(Math.max(0, startedAt + atMs - Date.now()));

  const create = async () => {
    const waiting = [...plan.tasks];
    const creator = async () => {
      for (let task = waiting.shift(); task; task = waiting.shift())
        await commands.send({ atMs: 0, kind: "create", key: task.key, task, isConcurrent: false });
    };
    await Promise.all(Array.from({ length: CREATING }, creator));
  };
  const command = async (all: readonly PlannedCommand[]) => {
    for (const planned of all) {
      await until(planned.atMs);
      void commands.send(planned);
    }
  };
  const disturb = async () => {
    const over: Promise<void>[] = [];
    for (const fault of plan.faults) {
      await until(fault.atMs);
      print(
        `${(fault.atMs / 1000).toFixed(1)} s: ${fault.kind} ${fault.names.join(", ")} for ${fault.forMs} ms`,
      );
      over.push(...fault.names.map((name) => inflict(platform, name, fault)));
    }
    await Promise.all(over);
  };
  await Promise.all([create(), command(plan.commands), disturb()]);

  print("everything is started again");
  await platform.startAll();
  await ready(platform);
  const readyAt = Date.now();
  const stalls = stallWatch();
  const over = stalls.calm(CALM_MS, CALM_LIMIT_MS);
  await commands.idle();
  startedAt = Date.now();
  await command(plan.calm);
  await Promise.all([commands.idle(), over]);
  stalls.stop();
  const endedAt = Date.now();
  const calmAt = Math.max(readyAt, stalls.lastStallAt());
  if (endedAt - calmAt < CALM_MS)
    print(`the machine was too busy: only the last ${endedAt - calmAt} ms were calm`);
  await stopAll(platform, commands.stopForGood);
  const faults = await restless(platform);
  return { sentCommands: commands.sentCommands, calmAt, endedAt, faults, calledAt: sink.calledAt };
}

async function inflict(platform: SoakPlatform, name: string, { kind, forMs }: PlannedFault): Promise<void> {
  if (kind === "stall" || kind === "reset" || kind === "silence")
    return inflictOnLink(platform.link(name), kind, forMs);
  const slot = platform.slot(name);
  if (kind === "freeze") {
    slot.freeze();
    await delay(forMs);
    slot.thaw();
    return;
  }
  await slot[kind]();
  await delay(forMs);
  await slot.start();
}

async function inflictOnLink(
  link: TcpProxy,
  kind: "stall" | "reset" | "silence",
  forMs: number,
): Promise<void> {
  if (kind === "silence") void link.silence((sent) => sent.includes("commitTransaction"));
  else link.freeze();
  await delay(forMs);
  if (kind === "reset") link.cut();
  link.restore();
}

function bodyOf({ body, dateInMs, endInMs }: PlannedTask, sink: Sink): object {
  const params = body.job_params as { url?: string };
  return {
    ...body,
    job_params: params.url ? { ...params, url: sink.url(params.url) } : params,
    ...(dateInMs === undefined ? {} : { expression: wall(Date.now() + dateInMs) }),
    ...(endInMs === undefined ? {} : { end_datetime: wall(Date.now() + endInMs) }),
  };
}

/** A wall clock reading in the platform's zone, Asia/Shanghai. */
function wall(instant: number): string {
  return new Date(instant + 8 * 3_600_000).toISOString().slice(0, 19).replace("T", " ");
}

async function ready({ address }: SoakPlatform): Promise<void> {
  let seen = "no answer";
  for (const deadline = Date.now() + READY_LIMIT_MS; Date.now() < deadline; await delay(100)) {
    const response = await fetch(`${address}/ready`, { signal: AbortSignal.timeout(5000) }).catch(() => null);
    if (response?.ok) return;
    seen = (await response?.text()) ?? "no answer";
  }
  throw new Error(`the platform is not ready after ${READY_LIMIT_MS} ms: ${seen}`);
}

async function stopAll({ address }: SoakPlatform, stop: (taskId: string) => Promise<void>): Promise<void> {
  const tasks = await listed(address, "/scheduler/task/list/query", 500);
  await Promise.all(tasks.map(({ id }) => stop(id)));
}

/** Waits until no run is open; names what does not come to rest. */
async function restless({ address }: SoakPlatform): Promise<string[]> {
  let open: Listed[] = [];
  for (const deadline = Date.now() + QUIET_LIMIT_MS; Date.now() < deadline; await delay(1000)) {
    const newest = "/scheduler/task/record/list/query?v_order=desc";
    const records = await listed(address, newest, LOOKED_AT);
    open = records.filter(({ status }) => status === "queued" || status === "running");
    if (open.length > 0) continue;
    const health = await fetch(`${address}/health`);
    return health.ok ? [] : [`/health answers ${health.status}`];
  }
  return open.map(({ id, task_id, status }) => `run ${id} of task ${task_id} is still ${status}`);
}

interface Listed {
  readonly id: string;
  readonly task_id: string;
  readonly status: string;
}

/** The first rows of a list, page by page: an answer has to fit into a message. */
async function listed(address: string, path: string, most: number): Promise<Listed[]> {
  const rows: Listed[] = [];
  const limit = 100;
  for (let page = 1; rows.length < most; page++) {
    const query = `${path.includes("?") ? "&" : "?"}page=${page}&limit=${limit}`;
    const response = await fetch(address + path + query, { signal: AbortSignal.timeout(20_000) });
    const { data } = (await response.json()) as { data: Listed[] | null };
    rows.push(...(data ?? []));
    if (!data || data.length < limit) break;
  }
  return rows;
}
