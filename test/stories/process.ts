import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { LIMIT_MS } from "../eventually.ts";

/** One of our own processes, started as a user starts it. */
export interface StoryProcess {
  readonly pid: number;
  /** All that it wrote, for a failing test to show. */
  output(): string;
  /** Resolves with the match of the first line, past or future, that matches; rejects after the limit or at its end. */
  line(pattern: RegExp, limitMs?: number): Promise<RegExpExecArray>;
  /** Writes a line to its standard input. */
  type(line: string): void;
  /** Resolves with its exit code when it has ended by itself. */
  ended(): Promise<number | null>;
  /** Suspends it: its connections stay open and nobody answers on them. */
  freeze(): void;
  thaw(): void;
  /** Ends it as a crash does, also while it is suspended. */
  kill(): Promise<void>;
  /** Ends it as an operator does; answers the exit code. */
  stop(): Promise<number | null>;
}

/** Nothing else of the environment reaches a process under test. */
const inherited = Object.fromEntries(
  ["PATH", "HOME", "NODE_COMPILE_CACHE"].map((name) => [name, process.env[name] ?? ""]),
);

export function startProcess(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): StoryProcess {
  const child = spawn(process.execPath, [script, ...args], {
    // The embedded PostgreSQL takes seconds of two cores to start; few stories are about users.
    env: { ...inherited, LOG_FORMAT: "json", ORM_DB_ENABLE: "false", AUTH_ENABLE: "false", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const waiting = new Set<(line: string | null) => void>();
  const publish = (line: string | null) => {
    if (line !== null) lines.push(line);
    for (const look of waiting) look(line);
  };
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", publish);
  const exited = once(child, "close").then(() => publish(null));

  return {
    pid: child.pid as number,
    output: () => lines.join("\n"),
    line(pattern, limitMs = LIMIT_MS) {
      for (const line of lines) {
        const match = pattern.exec(line);
        if (match) return Promise.resolve(match);
      }
      return new Promise((resolve, reject) => {
        const done = (end: () => void) => {
          clearTimeout(timer);
          waiting.delete(look);
          end();
        };
        const fail = (why: string) =>
          done(() =>
            reject(
              new Error(
                `${script} ${args.join(" ")} ${why} before ${pattern}; it wrote:\n${lines.join("\n")}`,
              ),
            ),
          );
        const look = (line: string | null) => {
          if (line === null) return fail("ended");
          const match = pattern.exec(line);
          if (match) done(() => resolve(match));
        };
        const timer = setTimeout(() => fail(`took ${limitMs} ms`), limitMs);
        waiting.add(look);
      });
    },
    type: (line) => void child.stdin.write(`${line}\n`),
    async ended() {
      await exited;
      return child.exitCode;
    },
    freeze: () => void child.kill("SIGSTOP"),
    thaw: () => void child.kill("SIGCONT"),
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
    async stop() {
      return end(child, exited);
    },
  };
}

async function end(child: ChildProcess, exited: Promise<void>): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGCONT");
    child.kill("SIGTERM");
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), LIMIT_MS);
  await exited;
  clearTimeout(timer);
  return child.exitCode;
}
