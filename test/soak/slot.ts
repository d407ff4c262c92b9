import { appendFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type StoryProcess, startProcess } from "../stories/process.ts";

/** A process that is started, ended and started again, by what happens to it. Each call waits for the one before. */
export interface Slot {
  readonly name: string;
  start(): Promise<void>;
  /** Ends it as a crash does, also while it is frozen or starts. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Ends it as an operator does. */
  stop(): Promise<void>;
}

export interface Runnable {
  readonly name: string;
  launch(): Promise<Running>;
}

/** One life of it. */
export interface Running {
  readonly pid: number;
  readonly ready: Promise<unknown>;
  /** Resolves when it has ended, whatever ended it. */
  readonly ended: Promise<unknown>;
  kill(): Promise<void>;
  stop(): Promise<unknown>;
}

const RESTART_MS = 300;

export function slotOf({ name, launch }: Runnable): Slot {
  let running: Running | undefined;
  let newest: Running | undefined;
  let turn: Promise<void> = Promise.resolve();
  const inTurn = (step: () => Promise<void>): Promise<void> => {
    const next = turn.then(step);
    turn = next.catch(() => {});
    return next;
  };
  /** At once: one that is frozen may be what its turn waits for. */
  const signal = (which: NodeJS.Signals): void => {
    try {
      if (newest) process.kill(newest.pid, which);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const end = (how: "kill" | "stop") =>
    inTurn(async () => {
      const ending = running;
      running = undefined;
      await ending?.[how]();
    });
  /** What ends by itself, for want of a store at its start, is started again, as under any supervisor. */
  const supervise = async (life: Running): Promise<void> => {
    await life.ended;
    await delay(RESTART_MS);
    if (running !== life) return;
    running = undefined;
    await begin();
  };
  const begin = (): Promise<void> =>
    inTurn(async () => {
      if (running) return;
      running = await launch();
      newest = running;
      void supervise(running);
    });
  return {
    name,
    start: () => begin().then(() => running?.ready.then(() => {})),
    kill: () => end("kill"),
    stop: () => end("stop"),
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
  };
}

export interface NodeProgram {
  readonly name: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ready: RegExp;
  /** Receives what all its lives write. */
  readonly logFile: string;
}

/** One of our own commands as a slot. */
export function nodeSlot({ name, args, env, ready, logFile }: NodeProgram): Slot {
  const launch = async (): Promise<Running> => {
    const started: StoryProcess = startProcess("tools/run.mjs", args, env);
    // It may be killed before it is ready, which is part of the test.
    const isReady = started.line(ready, 60_000).catch(() => undefined);
    const ended = started.ended().then(() => {
      appendFileSync(logFile, `--- pid ${started.pid}\n${started.output()}\n`);
    });
    return {
      pid: started.pid,
      ready: isReady,
      ended,
      kill: () => started.kill().then(() => ended),
      stop: () => started.stop().then(() => ended),
    };
  };
  return slotOf({ name, launch });
}
