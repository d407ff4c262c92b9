import "../../tools/require-node.mjs";
import { runMongoBench } from "@kinit/embedded-mongo/bench";
import { hardware, print } from "@kinit/embedded-mongo/bench/distribution";
import { benchHold } from "./hold.ts";
import { benchLateness } from "./lateness.ts";
import { benchPaths } from "./paths.ts";
import type { Mode } from "./platform.ts";
import { benchRuns } from "./runs.ts";

const USAGE = `Usage: npm run bench -- <what> [embedded|nats] [count]
  runs       runs per second, from due to recorded (count: runs, 20,000)
  lateness   lateness of tasks that share an instant, and of runs now (count: tasks, 1,000)
  hold       many tasks: first run, memory, idle CPU (count: tasks, 100,000)
  mongo      the embedded MongoDB server
  paths      files that a created task and a due occurrence pass through
Without a mode: both.`;

const [what, ...rest] = process.argv.slice(2);
const modes = rest.filter((word): word is Mode => word === "embedded" || word === "nats");
const count = Number(rest.find((word) => /^\d+$/.test(word)) ?? 0);

async function forModes(measure: (mode: Mode) => Promise<void>): Promise<void> {
  for (const mode of modes.length > 0 ? modes : (["embedded", "nats"] as const)) await measure(mode);
}

print(`${what ?? ""} on ${hardware()}`);
switch (what) {
  case "runs":
    await forModes((mode) => benchRuns(mode, count || 20_000));
    break;
  case "lateness":
    await forModes((mode) => benchLateness(mode, { tasks: count || 1000, seconds: 10 }));
    break;
  case "hold":
    await forModes((mode) => benchHold(mode, count || 100_000));
    break;
  case "mongo":
    await runMongoBench();
    break;
  case "paths":
    await benchPaths();
    break;
  default:
    print(USAGE);
    process.exitCode = 1;
}
