import { setTimeout as delay } from "node:timers/promises";
import { loadConfig } from "../shared/config.ts";
import { printsHelp, readOptions } from "./command-line.ts";
import type { Launched } from "./launch.ts";
import { failCommand, stopOnSignal } from "./run-until-stopped.ts";
import { serviceNames } from "./service-names.ts";

const USAGE = `Usage: npm start [-- --repl]
  runs all services in this process, with their data in DATA_DIR unless MONGO_DB_URL is set
  --repl   with Moleculer's interactive console and the commands due, task, stream, lease and outbox
Settings are environment variables, or lines of a file .env: see .env.example`;

/** How long the welcome waits for an active scheduler, after the lease of a killed process has run out. */
const SCHEDULER_LIMIT_MS = 5000;

/** `npm start`: everything in one process. */
async function start(words: readonly string[]): Promise<void> {
  const { repl = false } = readOptions(words, { flags: ["repl"], usage: USAGE });
  const config = loadConfig();
  const { launch } = await import("./launch.ts");
  const launched = await launch({ config, services: serviceNames });
  stopOnSignal(launched, config);
  launched.failed.catch(failCommand);
  await schedulerIsActive(launched);
  process.stdout.write(welcome(launched.address ?? ""));
  if (!repl) return;
  const { replOptions } = await import("./inspect/repl-commands.ts");
  Object.assign(launched.broker.options, { replOptions });
  launched.broker.repl();
}

/** The welcome is printed last, so that the requests it suggests succeed at once. */
async function schedulerIsActive({ broker, config }: Launched): Promise<void> {
  if (!config.taskEnable) return;
  const { call } = await import("../shared/service.ts");
  for (const deadline = Date.now() + config.leaseMs + SCHEDULER_LIMIT_MS; Date.now() < deadline; ) {
    // The call fails if the process is stopped meanwhile.
    const status = await call(broker, "scheduler.status", {}).catch(() => undefined);
    if (!status || status.active) return;
    await delay(10);
  }
}

function welcome(address: string): string {
  return `
kinit-fast-task listens on ${address}

Create a first task, one that runs every 10 seconds:
  curl -X POST ${address}/scheduler/task/create -H 'content-type: application/json' -d '{
    "name": "hello", "job_class": "test.main.Test", "job_params": {"name": "kinit", "age": 3},
    "exec_strategy": "interval", "expression": "10 * * * *", "is_active": true}'
and look at its runs:
  curl '${address}/scheduler/task/record/list/query?v_order=desc'

Ctrl-C stops.

`;
}

const words = process.argv.slice(2);
if (!printsHelp(words, USAGE)) start(words).catch(failCommand);
