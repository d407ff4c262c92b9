import { distribution, print } from "@kinit/embedded-mongo/bench/distribution";
import { call } from "../../shared/service.ts";
import { type Mode, type Platform, startPlatform } from "./platform.ts";
import { seedTasks } from "./seed-tasks.ts";

const LEAD_MS = 4000;
const RUNS_NOW = 300;

/** How late runs start: of tasks that share each second's instant, and of runs ordered by hand on an idle platform. */
export async function benchLateness(
  mode: Mode,
  { tasks, seconds }: { tasks: number; seconds: number },
): Promise<void> {
  let firstAt = 0;
  const platform = await startPlatform(mode, {
    async prepare(db) {
      firstAt = Math.ceil((Date.now() + LEAD_MS) / 1000) * 1000;
      await seedTasks(db, { count: tasks, strategy: "interval", nextRunAt: () => firstAt });
    },
  });
  try {
    await new Promise((resolve) => setTimeout(resolve, firstAt + seconds * 1000 + 2000 - Date.now()));
    await reportAligned(platform, { tasks, from: firstAt, until: firstAt + (seconds - 1) * 1000 });
    await pauseAll(platform);
    await reportRunNow(platform);
  } finally {
    await platform.stop();
  }
}

interface Span {
  readonly tasks: number;
  readonly from: number;
  readonly until: number;
}

async function reportAligned({ db, mode }: Platform, { tasks, from, until }: Span): Promise<void> {
  const span = { start_datetime: { $gte: new Date(from), $lte: new Date(until) } };
  const records = await db.collection("scheduler_task_record").find(span).toArray();
  const seconds = (until - from) / 1000 + 1;
  const started = records.filter(({ attempts }) => attempts !== undefined);
  const lateness = started.map(
    ({ attempts, start_datetime }) => attempts[0].started_datetime - start_datetime,
  );
  const skipped = records.filter(({ status }) => status === "skipped").length;
  const keys = new Set(
    records.map(({ task_id, start_datetime }) => `${task_id}/${start_datetime.getTime()}`),
  );
  print(
    `  ${mode}: ${tasks} tasks aligned to each second for ${seconds} s: ${distribution(lateness, "ms late")}`,
  );
  print(
    `    ${started.length} of ${tasks * seconds} started, ${skipped} skipped with a reason, ${tasks * seconds - keys.size} missing, ${records.length - keys.size} twice, ${lateness.filter((ms) => ms < 0).length} early`,
  );
}

async function pauseAll({ db, broker }: Platform): Promise<void> {
  const ids = await db
    .collection("scheduler_task_list")
    .find({}, { projection: { _id: 1 } })
    .toArray();
  for (let start = 0; start < ids.length; start += 50) {
    const chunk = ids.slice(start, start + 50);
    await Promise.all(chunk.map(({ _id }) => call(broker, "scheduler.pause", { taskId: _id.toHexString() })));
  }
}

/** From the call to the handler's start, by the clock that both processes share. */
async function reportRunNow({ db, broker, mode }: Platform): Promise<void> {
  const [first] = await db.collection("scheduler_task_list").find({}, { limit: 1 }).toArray();
  const taskId = first?._id.toHexString() as string;
  const requestedAt = new Map<string, number>();
  for (let run = 0; run < RUNS_NOW; run++) {
    const at = performance.timeOrigin + performance.now();
    const { runId } = await call(broker, "scheduler.runNow", { taskId });
    requestedAt.set(runId, at);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const records = await db.collection("scheduler_task_record").find({ task_id: taskId }).toArray();
  const waits = records.flatMap(({ _id, attempts }) => {
    const at = requestedAt.get(_id.toHexString());
    return at === undefined ? [] : [attempts[0].started_datetime - at];
  });
  print(`  ${mode}: idle, run now → handler starts: ${distribution(waits, "ms")}`);
}
