import { print } from "@kinit/embedded-mongo/bench/distribution";
import type { Collection, Document, WithId } from "mongodb";
import { type Mode, startPlatform } from "./platform.ts";
import { seedTasks } from "./seed-tasks.ts";

const DAY_MS = 86_400_000;
const IDLE_MS = 10_000;

/** A platform that holds many tasks, of which one is due at once: first fire after the start, memory, idle CPU. */
export async function benchHold(mode: Mode, count: number): Promise<void> {
  let preparedAt = 0;
  const platform = await startPlatform(mode, {
    async prepare(db) {
      const now = Math.ceil(Date.now() / 1000) * 1000;
      await seedTasks(db, { count, strategy: "date", nextRunAt: (index) => now + DAY_MS + index * 100 });
      await seedTasks(db, { count: 1, strategy: "date", nextRunAt: () => Date.now() });
      preparedAt = Date.now();
    },
  });
  try {
    const readyMs = Date.now() - preparedAt;
    const [first] = await firstRecord(platform.db.collection("scheduler_task_record"));
    const firstRunMs = first?.attempts[0].started_datetime.getTime() - preparedAt;
    print(
      `  ${mode}: ${count} tasks held: first run ${firstRunMs} ms after the start of the processes (ready after ${readyMs} ms)`,
    );
    const before = await platform.usage();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const after = await platform.usage();
    for (const [name, { cpuMs, rssMiB }] of Object.entries(after)) {
      const share = ((cpuMs - (before[name]?.cpuMs ?? 0)) / IDLE_MS) * 100;
      print(`    ${name}: ${rssMiB.toFixed(0)} MiB, idle ${share.toFixed(1)} % of one core`);
    }
  } finally {
    await platform.stop();
  }
}

async function firstRecord(records: Collection): Promise<WithId<Document>[]> {
  for (let tries = 0; tries < 600; tries++) {
    const found = await records.find({ end_datetime: { $exists: true } }).toArray();
    if (found.length > 0) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("nothing fired within 30 s");
}
