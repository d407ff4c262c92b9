import { setTimeout as delay } from "node:timers/promises";
import { type ConnectionOptions, connect, Events, type JetStreamManager, type NatsConnection } from "nats";
import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { BusUnavailable } from "../bus.ts";
import { natsAddress } from "./nats-address.ts";

export interface ConnectionSettings {
  /** One address or several, separated by commas; may contain a user and password, or a token. */
  readonly url: string;
  /** Shown in the server's list of connections. */
  readonly name: string;
  /** How long the first connection may take, in milliseconds. */
  readonly startLimitMs: number;
  readonly logger: Log;
}

/** Is notified when the connection is lost or restored. */
export interface ConnectionListener {
  onDisconnect(): void;
  onReconnect(): void;
}

/** A NATS connection that reconnects without limit and notifies its listeners. */
export class JetStreamConnection {
  readonly nats: NatsConnection;
  readonly manager: JetStreamManager;
  readonly #listeners = new Set<ConnectionListener>();
  #isConnected = true;

  constructor(nats: NatsConnection, manager: JetStreamManager, logger: Log) {
    this.nats = nats;
    this.manager = manager;
    void this.#watch(logger);
  }

  get isConnected(): boolean {
    return this.#isConnected && !this.nats.isClosed();
  }
  get maxPayload(): number {
    return this.nats.info?.max_payload ?? 1_048_576;
  }
  listen(listener: ConnectionListener): void {
    this.#listeners.add(listener);
  }
  unlisten(listener: ConnectionListener): void {
    this.#listeners.delete(listener);
  }

  /** Sends buffered messages. Returns after the limit, or at once if there is no connection. */
  async flush(limitMs = 2000): Promise<void> {
    if (!this.isConnected) return;
    await Promise.race([this.nats.flush(), delay(limitMs, undefined, { ref: false })]).catch(() => {});
  }

  async close(): Promise<void> {
    await this.flush();
    await this.nats.close();
  }

  async #watch(logger: Log): Promise<void> {
    for await (const { type } of this.nats.status()) {
      if (type === Events.Disconnect && this.#isConnected) {
        this.#isConnected = false;
        logger.warn({}, "NATS is disconnected; events wait until it reconnects");
        for (const listener of this.#listeners) listener.onDisconnect();
      } else if (type === Events.Reconnect) {
        this.#isConnected = true;
        logger.info({}, "NATS has reconnected");
        for (const listener of this.#listeners) listener.onReconnect();
      }
    }
  }
}

/**
 * Connects, retrying until the limit.
 * @throws `BUS_UNAVAILABLE` after the limit
 */
export async function connectJetStream(settings: ConnectionSettings): Promise<JetStreamConnection> {
  const { logger, startLimitMs } = settings;
  const options = connectionOptions(settings);
  let isReported = false;
  for (const deadline = Date.now() + startLimitMs; ; await delay(250)) {
    let nats: NatsConnection | undefined;
    try {
      nats = await connect(options);
      return new JetStreamConnection(nats, await nats.jetstreamManager(), logger);
    } catch (error) {
      await nats?.close();
      if (Date.now() > deadline) {
        throw new BusUnavailable(
          `NATS with JetStream (NATS_URL) cannot be reached: ${reasonOf(error)}`,
          error,
        );
      }
      if (!isReported) logger.warn({ reason: reasonOf(error) }, "NATS cannot be reached yet; retrying");
      isReported = true;
    }
  }
}

/** The client's own message is a code; the socket's error is more precise. */
function reasonOf(error: unknown): string {
  const { chainedError } = error as { chainedError?: unknown };
  return errorMessage(chainedError ?? error);
}

function connectionOptions({ url, name }: ConnectionSettings): ConnectionOptions {
  return {
    ...natsAddress(url),
    name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    // Detects a dead connection within 15 s instead of the default's 6 minutes.
    pingInterval: 5000,
    maxPingOut: 2,
  };
}
