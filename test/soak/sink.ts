import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What the tasks of the soak test call: it takes its time, fails now and then, and notes when it was called. */
export interface Sink {
  /** Turns `sink:/path?query` into an address. */
  url(planned: string): string;
  /** When a task's runs called it (ms), in order. */
  calledAt(key: string): readonly number[];
  close(): Promise<void>;
}

/** `/key?takes=ms&failing=percent`: answers after up to so long, and so often with 500. */
export async function startSink(): Promise<Sink> {
  const calls = new Map<string, number[]>();
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://sink");
    const key = pathname.slice(1);
    const times = calls.get(key) ?? [];
    calls.set(key, times);
    const count = times.push(Date.now());
    // Varies from call to call in a way that does not depend on chance.
    const share = ((count * 37) % 100) / 100;
    await delay(Number(searchParams.get("takes")) * share);
    response.statusCode = (count * 61) % 100 < Number(searchParams.get("failing")) ? 500 : 200;
    response.end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (planned) => planned.replace(/^sink:/, `http://127.0.0.1:${port}`),
    calledAt: (key) => calls.get(key) ?? [],
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
