import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before } from "node:test";

export type Respond = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface Source {
  readonly base: string;
  /** How often each path was asked for. */
  readonly requests: Map<string, number>;
  /** What the source answers on a path from now on. */
  on(path: string, respond: Respond): string;
}

/** An HTTP server for the tests of one file. */
export function sourceForTests(): Source {
  const responders = new Map<string, Respond>();
  const requests = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = request.url as string;
    requests.set(path, (requests.get(path) ?? 0) + 1);
    responders.get(path)?.(request, response);
  });
  const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  before(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    get base() {
      return base();
    },
    requests,
    on(path, respond) {
      responders.set(path, respond);
      return base() + path;
    },
  };
}
