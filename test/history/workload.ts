import { defineHandler, type Handler } from "../../services/executor/handler/define-handler.ts";
import { objectId } from "../../shared/ids.ts";
import { endsAndHolds } from "../ends-and-holds.ts";
import { eventually } from "../eventually.ts";
import { everySecond, type Platform } from "../platform.ts";

export interface Workload {
  readonly handlers: readonly Handler[];
  /** Ends the runs of `test.holds`. */
  release(): void;
}

/** Handlers for every way in which a run can go. */
export function workload(): Workload {
  const { handlers, release } = endsAndHolds();
  const works = defineHandler({
    name: "test.works",
    title: "Works for a second and reports",
    params: {},
    async run(_, { log, progress }) {
      log.info("started");
      progress(40, "page 2 of 5");
      await new Promise((resolve) => setTimeout(resolve, 1000));
      log.warn("slow");
      return { pages: 5 };
    },
  });
  const fails = defineHandler({
    name: "test.fails",
    title: "Fails",
    params: {},
    run() {
      const error = new RangeError("no page is left");
      error.stack = "RangeError: no page is left\n    at run (fails.ts:7:13)";
      throw error;
    },
  });
  const hangs = defineHandler({
    name: "test.hangs",
    title: "Works until it is aborted",
    params: {},
    run: (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", reject)),
  });
  return { handlers: [...handlers, works, fails, hangs], release };
}

/** Tasks that go through everything but a lost run; returns their ids by name. */
export async function live(platform: Platform, release: () => void): Promise<Record<string, string>> {
  const { call } = platform;
  const crawl = await call("crawler.crawl", { site: "bilibili", crawlId: objectId() });
  if (crawl.count !== 2) throw new Error(`crawled ${crawl.count} rows`);
  const names = {
    "reporting-run": runOnce(platform, "test.works", {}),
    "failed-run": runOnce(platform, "test.fails", {}),
    "timed-out-run": runOnce(platform, "test.hangs", { timeoutMs: 100 }),
    "changed-task": changed(platform),
    "revoked-run": revoked(platform),
    "skipped-occurrence": skipped(platform, release),
    "finished-task": finished(platform),
    "lost-run": platform.create({ name: "lost", handler: "test.ends", params: {}, isActive: false }),
  };
  const entries = Object.entries(names).map(async ([name, taskId]) => [name, await taskId] as const);
  return Object.fromEntries(await Promise.all(entries));
}

/** A run that no executor receives. */
export async function liveWithoutExecutor({ call, recordsWhen }: Platform, taskId: string): Promise<void> {
  await call("scheduler.runNow", { taskId });
  await recordsWhen(taskId, ([record]) => record?.status === "lost");
}

type TaskOptions = Parameters<Platform["create"]>[0];

async function runOnce({ call, create, recordsWhen }: Platform, handler: string, more: TaskOptions) {
  const taskId = await create({ name: handler, handler, params: {}, isActive: false, ...more });
  await call("scheduler.runNow", { taskId });
  await recordsWhen(taskId, ([record]) => Boolean(record?.endedAt));
  return taskId;
}

async function changed({ call, create, recordsWhen }: Platform) {
  const task = { name: "changes", handler: "test.ends", params: {} };
  const taskId = await create(task);
  await recordsWhen(taskId, (records) => records.filter(({ status }) => status === "succeeded").length > 1);
  await call("scheduler.change", { taskId, ...everySecond, ...task, remark: "changed" });
  await call("scheduler.pause", { taskId });
  await call("scheduler.resume", { taskId });
  await call("scheduler.pause", { taskId });
  await recordsWhen(taskId, (records) => records.every(({ endedAt, skip }) => endedAt ?? skip));
  return taskId;
}

/** A task is paused as soon as its next run is dispatched, until one of its runs has not started yet. */
async function revoked({ call, create, records, recordsWhen, db }: Platform) {
  const taskId = await create({ name: "revoked", handler: "test.ends", params: {} });
  const dispatched = () =>
    db.collection("events").countDocuments({ stream: `task-${taskId}`, type: "task.due" });
  for (let runs = 0; ; runs = await dispatched()) {
    await eventually(async () => (await dispatched()) > runs);
    await call("scheduler.pause", { taskId });
    await recordsWhen(taskId, (found) => found.every(({ endedAt, skip }) => endedAt ?? skip));
    if ((await records(taskId)).some(({ status }) => status === "cancelled")) break;
    await call("scheduler.resume", { taskId });
  }
  await call("scheduler.delete", { taskId });
  return taskId;
}

async function skipped({ call, create, recordsWhen }: Platform, release: () => void) {
  const taskId = await create({ name: "busy", handler: "test.holds", params: {} });
  await recordsWhen(taskId, (records) => records.some(({ status }) => status === "skipped"));
  await call("scheduler.pause", { taskId });
  release();
  await recordsWhen(taskId, (records) => records.every(({ endedAt, skip }) => endedAt ?? skip));
  return taskId;
}

async function finished({ create, recordsWhen }: Platform) {
  const taskId = await create({
    name: "once",
    handler: "test.ends",
    params: {},
    strategy: "once",
    expression: null,
  });
  await recordsWhen(taskId, ([record]) => record?.status === "succeeded");
  return taskId;
}
