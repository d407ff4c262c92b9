import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A proxy between a client and a server that can cut, stall or silence the connection. */
export interface TcpProxy {
  readonly port: number;
  /** Breaks all connections and rejects new ones. */
  cut(): void;
  /** Keeps all connections open but transmits nothing, as a network without a route does. */
  freeze(): void;
  /**
   * Transmits the request that `isLast` recognises, and from then on nothing from the server to that client: the request
   * is executed and its response is lost. Other connections are not affected. Resolves when it has happened.
   */
  silence(isLast: (sent: Buffer) => boolean): Promise<void>;
  /** Ends a cut or a stall, and a silence that has not begun; a silent connection stays silent. */
  restore(): void;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
  isSilent: boolean;
}

export async function startTcpProxy(port: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let state: "open" | "cut" | "frozen" = "open";
  let silencing: { isLast: (sent: Buffer) => boolean; done: () => void } | undefined;

  const each = (step: (socket: Socket) => void): void => {
    for (const { client, upstream } of links) for (const socket of [client, upstream]) step(socket);
  };
  const server = createServer((client) => {
    if (state === "cut") return client.destroy();
    const link: Link = { client, upstream: connect(port, "127.0.0.1"), isSilent: false };
    const { upstream } = link;
    links.add(link);
    client.on("data", (bytes) => {
      if (silencing?.isLast(bytes)) {
        link.isSilent = true;
        silencing.done();
        silencing = undefined;
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (!link.isSilent) client.write(bytes);
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on("error", () => {});
      from.on("close", () => {
        links.delete(link);
        to.destroy();
      });
      if (state === "frozen") from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      state = "cut";
      each((socket) => socket.destroy());
    },
    freeze() {
      state = "frozen";
      each((socket) => socket.pause());
    },
    silence: (isLast) =>
      new Promise((done) => {
        silencing = { isLast, done };
      }),
    restore() {
      state = "open";
      silencing = undefined;
      each((socket) => socket.resume());
    },
    async close() {
      each((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
