import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** A port of the loopback interface that is free now. */
export async function freePort(port = 0): Promise<number> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: found } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return found;
}

/** Below the range from which the system assigns ports. */
const LASTING = { from: 20_000, to: 32_000 };

/** A port that is still free when its server restarts later. */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = LASTING.from + Math.floor(Math.random() * (LASTING.to - LASTING.from));
    const free = await freePort(port).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") throw error;
    });
    if (free) return free;
  }
}
