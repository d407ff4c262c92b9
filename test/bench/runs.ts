import { distribution, print } from "@kinit/embedded-mongo/bench/distribution";
import { call } from "../../shared/service.ts";
import { type Mode, type Platform, startPlatform } from "./platform.ts";
import { seedTasks } from "./seed-tasks.ts";

const LEAD_MS = 3000;
const LIMIT_MS = 180_000;
/** Counting takes time from what is measured. */
const POLL_MS = 200;

/**
 * Runs per second, from due to recorded with their whole event history: many tasks share one instant, none is
 * dispatched before it, and the clock runs until the last record is durable.
 */
export async function benchRuns(mode: Mode, count: number): Promise<void> {
  let dueAt = 0;
  const platform = await startPlatform(mode, {
    env: { DISPATCH_AHEAD_MS: "0", EXECUTOR_MAX_IN_FLIGHT: "5000", SCHEDULER_LOOK_AHEAD_MS: "600000" },
    async prepare(db) {
      // Long enough for the services to start and to load what is due.
      dueAt = Math.ceil((Date.now() + LEAD_MS + count / 5) / 1000) * 1000;
      await seedTasks(db, { count, strategy: "date", nextRunAt: () => dueAt });
    },
  });
  try {
    await waitUntil(dueAt);
    const before = await platform.usage();
    await recorded(platform, count);
    const tookMs = Date.now() - dueAt;
    const after = await platform.usage();
    print(`  ${mode}: ${count} runs in ${tookMs} ms: ${Math.round((count / tookMs) * 1000)} runs/s`);
    for (const [name, { cpuMs }] of Object.entries(after)) {
      const spent = cpuMs - (before[name]?.cpuMs ?? 0);
      print(`    ${name}: ${((spent / count) * 1000).toFixed(0)} µs of CPU per run`);
    }
    await report(platform, count);
  } finally {
    await platform.stop();
  }
}

/** Asks only for the number of records until it is reached: a scan of what is being measured would slow it down. */
async function recorded({ db }: Platform, count: number): Promise<void> {
  const records = db.collection("scheduler_task_record");
  const deadline = Date.now() + LIMIT_MS;
  const isDone = async () =>
    (await records.estimatedDocumentCount()) >= count &&
    (await records.countDocuments({ open_until: { $exists: true } })) === 0;
  while (!(await isDone())) {
    if (Date.now() > deadline) throw new Error(`after ${LIMIT_MS} ms not all of ${count} runs are recorded`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function report({ db, broker }: Platform, count: number): Promise<void> {
  const { total } = await call(broker, "records.list", { page: 1, limit: 1 });
  const [events, lateness] = await Promise.all([
    db.collection("events").countDocuments({ type: { $in: ["task.due", "run.succeeded"] } }),
    db
      .collection("scheduler_task_record")
      .find({}, { projection: { process_time: 1 } })
      .toArray(),
  ]);
  print(`    ${total} records, ${events} events of ${2 * count} expected`);
  print(
    `    from due to ended: ${distribution(
      lateness.map(({ process_time }) => process_time * 1000),
      "ms",
    )}`,
  );
}

async function waitUntil(instant: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, instant - Date.now())));
}
