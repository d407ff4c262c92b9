import "../../tools/require-node.mjs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { checkRound, type Verdict } from "./check.ts";
import { readBus } from "./check-bus.ts";
import type { Mode } from "./mode.ts";
import { planOf } from "./plan.ts";
import { type SoakPlatform, soakPlatform } from "./platform.ts";
import { playRound, type Round } from "./round.ts";
import { startSink } from "./sink.ts";
import { readWords, USAGE } from "./words.ts";

/** Of faults that are worded alike. */
const PRINTED = 5;

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Plays one round and prints what was found; answers its line for the list of rounds. */
async function soak(mode: Mode, seconds: number, seed: number): Promise<{ isGood: boolean; line: string }> {
  const title = `soak ${mode} ${seconds} ${seed}`;
  print(title);
  const plan = planOf(mode, seconds, seed);
  const platform = await soakPlatform(mode);
  const sink = await startSink();
  let faults: readonly string[] = ["the round came to no end"];
  try {
    const round = await playRound({ plan, platform, sink, print });
    await writeFile(join(platform.dir, "round.json"), JSON.stringify(round, undefined, 1));
    const verdict = await judge(round, platform);
    faults = verdict.faults;
    print(verdict.summary);
  } catch (error) {
    faults = [`the round came to no end: ${(error as Error).stack}`];
  } finally {
    await platform.stop();
    await sink.close();
  }
  for (const alike of Map.groupBy(faults, shapeOf).values()) {
    for (const fault of alike.slice(0, PRINTED)) print(`FAULT ${fault}`);
    if (alike.length > PRINTED) print(`FAULT … and ${alike.length - PRINTED} more like these`);
  }
  const isGood = faults.length === 0;
  const found = isGood ? "no fault" : `${faults.length} faults; logs and data are in ${platform.dir}`;
  print(found);
  if (isGood) await rm(platform.dir, { recursive: true, force: true });
  return { isGood, line: `${title}: ${found}` };
}

/** A fault without what differs from one to the next. */
function shapeOf(fault: string): string {
  return fault.replaceAll(/[\w.:-]*\d[\w.:-]*/g, "#");
}

async function judge(round: Round, platform: SoakPlatform): Promise<Verdict> {
  const bus = platform.natsUrl ? await readBus(platform.natsUrl) : undefined;
  const mongoUrl = await platform.stopServices();
  const verdict = await checkRound(round, mongoUrl, bus);
  const replay = await platform.replayCheck();
  return replay.includes("No difference")
    ? verdict
    : { ...verdict, faults: [...verdict.faults, `replay --check says: ${replay}`] };
}

const words = readWords(process.argv.slice(2));
if (!words) {
  print(USAGE);
  process.exitCode = 1;
} else {
  const lines: string[] = [];
  for (const mode of words.modes)
    for (const seed of words.seeds) {
      const { isGood, line } = await soak(mode, words.seconds, seed);
      lines.push(line);
      if (!isGood) process.exitCode = 1;
    }
  if (lines.length > 1) print(`\n${lines.join("\n")}`);
}
