import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { SEMI_SPACE_MB } from "../start-mongo-thread.ts";

const PROCESS = fileURLToPath(new URL("measured-server.process.ts", import.meta.url));

/** A server process and its measurements. */
export class MeasuredServer {
  readonly url: string;
  /** Time from the start of the server until it listens, with its data loaded. */
  readonly startMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, { url, startMs }: { url: string; startMs: number }) {
    this.#child = child;
    this.url = url;
    this.startMs = startMs;
  }

  /** @param where a directory, or "memory" */
  static async start(where: string, sync: "full" | "normal"): Promise<MeasuredServer> {
    // Memory and pauses are those of the thread in which the server is used.
    const execArgv = ["--expose-gc", `--max-semi-space-size=${SEMI_SPACE_MB}`];
    const child = fork(PROCESS, [where, sync], { execArgv });
    const [hello] = await once(child, "message");
    return new MeasuredServer(child, hello as { url: string; startMs: number });
  }

  /** Resident bytes after a garbage collection. */
  memory(): Promise<number> {
    return this.#request("memory");
  }

  /** The longest block of the event loop since the last call, in milliseconds. */
  longestBlock(): Promise<number> {
    return this.#request("block");
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.send("stop");
    await exited;
  }

  async #request(request: "memory" | "block"): Promise<number> {
    const response = once(this.#child, "message");
    this.#child.send(request);
    return (await response)[0] as number;
  }
}
