import type { MongoClient } from "mongodb";

/** Private parts of the driver. Its version is pinned, and the test shows that they still exist. */
interface Internals {
  readonly topology?: { readonly s: { readonly servers: ReadonlyMap<string, { monitor: Monitor | null }> } };
}
interface Monitor {
  close(): void;
  connect(): void;
}

export interface MonitorWatchOptions {
  /** Longer than a check of a server may take by the driver's own limits (ms). */
  readonly limitMs: number;
  readonly onRestart?: (address: string) => void;
}

/**
 * Restarts the driver's check of a server if it does not end. mongodb 7.9.0 waits for ever, without a timeout, when it
 * writes to a connection that is destroyed and has not emitted an event for it yet. That happens when a server stops:
 * the first connection that breaks leads to a check over another one that is just breaking too. The server then stays
 * unknown, and all operations fail, until the process ends. Watches until the client is closed.
 */
export function watchMonitors(client: MongoClient, { limitMs, onRestart }: MonitorWatchOptions): void {
  const checks = new Map<string, NodeJS.Timeout>();
  const ended = (address: string): void => {
    clearTimeout(checks.get(address));
    checks.delete(address);
  };
  const restart = (address: string): void => {
    checks.delete(address);
    const monitor = (client as unknown as Internals).topology?.s.servers.get(address)?.monitor;
    if (!monitor) return;
    onRestart?.(address);
    monitor.close();
    monitor.connect();
  };
  client.on("serverHeartbeatStarted", ({ connectionId: address }) => {
    ended(address);
    checks.set(address, setTimeout(restart, limitMs, address).unref());
  });
  client.on("serverHeartbeatSucceeded", ({ connectionId }) => ended(connectionId));
  client.on("serverHeartbeatFailed", ({ connectionId }) => ended(connectionId));
  client.on("serverClosed", ({ address }) => ended(address));
}
