import { loadConfig } from "../shared/config.ts";
import { launch } from "./launch.ts";
import { failCommand, stopOnSignal } from "./run-until-stopped.ts";
import { serviceNames } from "./service-factories.ts";

/** `npm start`: everything in one process. */
async function start(): Promise<void> {
  const launched = await launch({ config: loadConfig(), services: serviceNames });
  stopOnSignal(launched);
  launched.failed.catch(failCommand);
  process.stdout.write(welcome(launched.address ?? ""));
  if (process.argv.includes("--repl")) launched.broker.repl();
}

function welcome(address: string): string {
  return `
kinit-fast-task listens on ${address}

Make a first task, one that runs every 10 seconds:
  curl -X POST ${address}/scheduler/task/create -H 'content-type: application/json' -d '{
    "name": "hello", "job_class": "test.main.Test", "job_params": {"name": "kinit", "age": 3},
    "exec_strategy": "interval", "expression": "10 * * * *", "is_active": true}'
and look at its runs:
  curl '${address}/scheduler/task/record/list/query?v_order=desc'

Ctrl-C stops.

`;
}

start().catch(failCommand);
