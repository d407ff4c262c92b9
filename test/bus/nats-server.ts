import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { LIMIT_MS } from "../eventually.ts";
import { freePort } from "../free-port.ts";

export interface NatsServer {
  /** For `NATS_URL`. */
  readonly url: string;
  readonly port: number;
  /** Of the process that runs now. */
  pid(): number;
  /** Resolves when that process has ended. */
  ended(): Promise<unknown>;
  /** The store; removed by `stop` where this module made it. */
  readonly dir: string;
  /** Ends the server in order and removes its own directory. */
  stop(): Promise<void>;
  /** Ends the server as a crash does. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port and directory. */
  restart(): Promise<void>;
}

/** Starts a real nats-server with JetStream on loopback and resolves when it accepts connections. */
export async function startNatsServer(
  options: { port?: number; dir?: string; args?: readonly string[] } = {},
): Promise<NatsServer> {
  const program = findProgram();
  const { args = [] } = options;
  const port = options.port ?? (await freePort());
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "kinit-nats-")));
  let child = await launch(program, { port, dir, args });

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid: () => child.pid as number,
    ended: () =>
      child.exitCode === null && child.signalCode === null ? once(child, "exit") : Promise.resolve(),
    dir,
    async stop() {
      await end("SIGTERM");
      if (!options.dir) await rm(dir, { recursive: true, force: true });
    },
    kill: () => end("SIGKILL"),
    async restart() {
      child = await launch(program, { port, dir, args });
    },
  };
}

function findProgram(): string {
  for (const program of ["nats-server", "/usr/sbin/nats-server"]) {
    try {
      execFileSync(program, ["--version"], { stdio: "ignore" });
      return program;
    } catch {}
  }
  throw new Error(
    "nats-server is neither on the PATH nor in /usr/sbin; install it: apt-get install nats-server",
  );
}

interface ServerArgs {
  readonly port: number;
  readonly dir: string;
  readonly args: readonly string[];
}

async function launch(program: string, { port, dir, args }: ServerArgs): Promise<ChildProcess> {
  const child = spawn(program, ["-js", "-sd", dir, "-p", String(port), "-a", "127.0.0.1", ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk) => {
    log = (log + chunk).slice(-4000);
  });
  const killWithParent = () => child.kill("SIGKILL");
  process.once("exit", killWithParent);
  child.once("exit", () => process.removeListener("exit", killWithParent));
  for (const deadline = Date.now() + LIMIT_MS; !(await accepts(port)); await delay(20)) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with code ${child.exitCode}:\n${log}`);
    if (Date.now() < deadline) continue;
    child.kill("SIGKILL");
    throw new Error(`nats-server accepts no connection after ${LIMIT_MS} ms:\n${log}`);
  }
  return child;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, "127.0.0.1");
    socket.once("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
