import type { Mode } from "./mode.ts";

export const USAGE = `Usage: npm run soak -- [one-process|nats] [seconds] [seed|first..last]
Kills, freezes, stops and cuts off the platform's processes at random for so long (60), under load, then checks that
nothing was lost, nothing happened twice and nothing happened late. Without a mode: both. A seed repeats a plan;
with several the rounds follow one another and are listed at the end.`;

export interface Words {
  readonly modes: readonly Mode[];
  readonly seconds: number;
  readonly seeds: readonly number[];
}

/** Reads the command line; undefined where it says something unknown. */
export function readWords(words: readonly string[]): Words | undefined {
  const isMode = (word: string): word is Mode => word === "one-process" || word === "nats";
  const modes = words.filter(isMode);
  const [seconds = "60", seed = String(Math.floor(Math.random() * 1e9)), ...more] = words.filter(
    (word) => !isMode(word),
  );
  const range = /^(\d+)(?:\.\.(\d+))?$/.exec(seed);
  if (more.length > 0 || !range || !/^\d+$/.test(seconds)) return undefined;
  const first = Number(range[1]);
  const count = Number(range[2] ?? first) - first + 1;
  if (count < 1) return undefined;
  return {
    modes: modes.length > 0 ? modes : ["one-process", "nats"],
    seconds: Number(seconds),
    seeds: Array.from({ length: count }, (_, n) => first + n),
  };
}
