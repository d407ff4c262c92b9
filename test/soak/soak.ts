import "../../tools/require-node.mjs";
import { rm } from "node:fs/promises";
import { checkRound, type Verdict } from "./check.ts";
import { readBus } from "./check-bus.ts";
import { type Mode, planOf } from "./plan.ts";
import { type SoakPlatform, soakPlatform } from "./platform.ts";
import { playRound } from "./round.ts";
import { startSink } from "./sink.ts";

const USAGE = `Usage: npm run soak -- [one-process|nats] [seconds] [seed]
Kills, freezes and stops the platform's processes at random for so long (60), then checks that nothing was lost and
nothing happened twice. Without a mode: both. A seed repeats a plan.`;
const PRINTED = 60;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function soak(mode: Mode, seconds: number, seed: number): Promise<boolean> {
  say(`soak ${mode} ${seconds} ${seed}`);
  const plan = planOf(mode, seconds, seed);
  const platform = await soakPlatform(mode);
  const sink = await startSink();
  let isGood = false;
  try {
    const round = await playRound({ plan, platform, sink, say });
    const { faults, summary } = await judge(round, platform);
    say(summary);
    for (const fault of faults.slice(0, PRINTED)) say(`FAULT ${fault}`);
    say(faults.length === 0 ? "no fault" : `${faults.length} faults`);
    isGood = faults.length === 0;
  } finally {
    await platform.stop();
    await sink.close();
    if (isGood) await rm(platform.dir, { recursive: true, force: true });
    else say(`logs and data are in ${platform.dir}`);
  }
  return isGood;
}

async function judge(round: Awaited<ReturnType<typeof playRound>>, platform: SoakPlatform): Promise<Verdict> {
  const bus = platform.natsUrl ? await readBus(platform.natsUrl) : undefined;
  const mongoUrl = await platform.stopServices();
  const verdict = await checkRound(round, mongoUrl, bus);
  const replay = await platform.replayCheck();
  return replay.includes("No difference")
    ? verdict
    : { ...verdict, faults: [...verdict.faults, `replay --check says: ${replay}`] };
}

const words = process.argv.slice(2);
const modes = words.filter((word): word is Mode => word === "one-process" || word === "nats");
const numbers = words.filter((word) => /^\d+$/.test(word)).map(Number);
if (words.length > modes.length + numbers.length || numbers.length > 2) {
  say(USAGE);
  process.exitCode = 1;
} else {
  const [seconds = 60, seed = Math.floor(Math.random() * 1e9)] = numbers;
  for (const mode of modes.length > 0 ? modes : (["one-process", "nats"] as const))
    if (!(await soak(mode, seconds, seed))) process.exitCode = 1;
}
