import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A real HTTP server that tasks call: what reached it is what was executed. */
export interface HttpSink {
  url(path: string): string;
  /** How often a path was called. */
  hits(path: string): number;
  /** When a path was called (ms), in order. */
  calledAt(path: string): readonly number[];
  /** Resolves at the nth call of a path, past or future. */
  reached(path: string, count: number): Promise<void>;
  /** Calls of this path are answered only after `release`. */
  hold(path: string): void;
  release(path: string): void;
  close(): Promise<void>;
}

export async function startHttpSink(): Promise<HttpSink> {
  const calls = new Map<string, number[]>();
  const held = new Map<string, (() => void)[]>();
  const waiting: { path: string; count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const times = calls.get(path) ?? [];
    calls.set(path, times);
    times.push(Date.now());
    for (const wait of waiting) if (wait.path === path && times.length >= wait.count) wait.resolve();
    const respond = () => response.end("ok");
    const queue = held.get(path);
    if (queue) queue.push(respond);
    else respond();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    hits: (path) => calls.get(path)?.length ?? 0,
    calledAt: (path) => [...(calls.get(path) ?? [])],
    reached: (path, count) =>
      new Promise((resolve) => {
        if ((calls.get(path)?.length ?? 0) >= count) resolve();
        else waiting.push({ path, count, resolve });
      }),
    hold: (path) => void held.set(path, []),
    release(path) {
      for (const respond of held.get(path) ?? []) respond();
      held.delete(path);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
