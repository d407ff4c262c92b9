import { Session } from "node:inspector/promises";
import { relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { print } from "@kinit/embedded-mongo/bench/distribution";
import { endsAndHolds } from "../ends-and-holds.ts";
import { eventually } from "../eventually.ts";
import { startTestMongo } from "../mongo.ts";
import { type Platform, startPlatform } from "../platform.ts";
import { httpApi } from "../stories/api.ts";

/** Functions of the services and of `shared` that were called, as `file#function@offset`. */
type Calls = ReadonlySet<string>;

/** Longer than the period of every timer that runs without work. */
const IDLE_MS = 6000;
const TASK = {
  job_class: "test.ends",
  job_params: {},
  exec_strategy: "interval",
  expression: "3 * * * *",
};

/**
 * Lists the files that one created task and one due occurrence pass through in one process, by the coverage of the
 * engine. Functions that an idle platform calls as well are left out, and so is the embedded server.
 */
export async function benchPaths(): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  const mongo = await startTestMongo();
  const services = ["gateway", "executor", "scheduler", "records"] as const;
  const { handlers } = endsAndHolds();
  const platform = await startPlatform({ mongo, services, handlers, settings: { SERVER_PORT: "0" } });
  try {
    await measure(session, platform);
  } finally {
    await platform.stop();
    await mongo.close();
    session.disconnect();
  }
}

async function measure(session: Session, { address, call, records }: Platform): Promise<void> {
  const api = httpApi(address as string);
  const isRecorded = async (taskId: string, runs: number) =>
    (await records(taskId)).filter(({ status }) => status === "succeeded").length === runs;
  await eventually(async () => (await call("scheduler.status", {})).active);
  await calls(session);
  await delay(IDLE_MS);
  const idle = await calls(session);
  const taskId = await api.create(TASK);
  report("a created task", await calls(session), idle);
  await eventually(() => isRecorded(taskId, 1));
  await calls(session);
  await isRecorded(taskId, 1);
  const reading = await calls(session);
  await eventually(() => isRecorded(taskId, 2));
  report("a due occurrence", await calls(session), new Set([...idle, ...reading]));
}

/** Since the last time that this was called. */
async function calls(session: Session): Promise<Calls> {
  const { result } = await session.post("Profiler.takePreciseCoverage");
  const called = result
    .filter(({ url }) => url.startsWith("file:"))
    .flatMap(({ url, functions }) => {
      const file = relative(process.cwd(), fileURLToPath(url));
      return functions.flatMap(({ functionName, ranges: [range] }) =>
        range && range.count > 0 ? [`${file}#${functionName}@${range.startOffset}`] : [],
      );
    });
  return new Set(called.filter((call) => /^(services|shared)\/(?!embedded)/.test(call)));
}

function report(what: string, called: Calls, idle: Calls): void {
  const own = [...called].filter((call) => !idle.has(call));
  const files = [...new Set(own.map((call) => call.split("#")[0] as string))].sort();
  print(`${what}: ${own.length} functions of ${files.length} files`);
  for (const file of files) print(`  ${file}`);
}
