import { createInbox, type Msg, type MsgHdrs, type Subscription as NatsSubscription } from "nats";
import { AppError } from "../../errors.ts";
import { BusFull, BusUnavailable } from "../bus.ts";
import type { ConnectionListener, JetStreamConnection } from "./connection.ts";

interface Unconfirmed {
  readonly deadline: number;
  resolve(): void;
  reject(error: unknown): void;
}

export interface PublisherSettings {
  /** Limit for the stream's confirmation, in milliseconds. */
  readonly timeoutMs: number;
  /** Unconfirmed messages from which on `publish` throws `BUS_FULL`. */
  readonly maxUnconfirmed: number;
  /** The stream does not exist; it may have been deleted. */
  onStreamMissing(): void;
}

/** The message is larger than the server accepts. */
export class EventTooLarge extends AppError {
  constructor(bytes: number, maxBytes: number) {
    super(`the message has ${bytes} bytes; the limit is ${maxBytes}`, {
      type: "EVENT_TOO_LARGE",
    });
  }
}

/** The server counts headers as well. */
const HEADER_BYTES = 1024;
const SWEEP_MS = 250;

/**
 * Publishes to JetStream and waits for the stream's confirmation. One subscription and one timer serve all messages:
 * the client library's requests cost a timer and several promises each, which halves the throughput.
 */
export class Publisher implements ConnectionListener {
  readonly #connection: JetStreamConnection;
  readonly #settings: PublisherSettings;
  readonly #inbox = createInbox();
  readonly #unconfirmed = new Map<string, Unconfirmed>();
  readonly #subscription: NatsSubscription;
  readonly #sweep: NodeJS.Timeout;
  #token = 0;

  constructor(connection: JetStreamConnection, settings: PublisherSettings) {
    this.#connection = connection;
    this.#settings = settings;
    this.#subscription = connection.nats.subscribe(`${this.#inbox}.*`, {
      callback: (_error, message) => this.#onConfirmation(message),
    });
    this.#sweep = setInterval(() => this.#expire(), SWEEP_MS);
    connection.listen(this);
  }

  /** @throws `BUS_FULL`, `BUS_UNAVAILABLE`, `EVENT_TOO_LARGE` */
  publish(subject: string, body: Uint8Array, headers: MsgHdrs): Promise<void> {
    return new Promise((resolve, reject) => {
      const { maxUnconfirmed, timeoutMs } = this.#settings;
      const maxBytes = this.#connection.maxPayload - HEADER_BYTES;
      if (!this.#connection.isConnected) return reject(new BusUnavailable("NATS is not connected"));
      if (body.length > maxBytes) return reject(new EventTooLarge(body.length, maxBytes));
      if (this.#unconfirmed.size >= maxUnconfirmed)
        return reject(new BusFull(`${maxUnconfirmed} events are unconfirmed`));
      const token = (++this.#token).toString(36);
      this.#connection.nats.publish(subject, body, { headers, reply: `${this.#inbox}.${token}` });
      this.#unconfirmed.set(token, { deadline: performance.now() + timeoutMs, resolve, reject });
    });
  }

  onDisconnect(): void {
    const waiting = [...this.#unconfirmed.values()];
    this.#unconfirmed.clear();
    for (const { reject } of waiting)
      reject(new BusUnavailable("NATS disconnected before it confirmed the event"));
  }

  onReconnect(): void {}

  stop(): void {
    this.#connection.unlisten(this);
    clearInterval(this.#sweep);
    this.#subscription.unsubscribe();
    this.onDisconnect();
  }

  #onConfirmation(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length + 1);
    const waiting = this.#unconfirmed.get(token);
    if (!waiting) return;
    this.#unconfirmed.delete(token);
    const rejection = this.#rejectionOf(message);
    if (rejection) waiting.reject(rejection);
    else waiting.resolve();
  }

  #rejectionOf(message: Msg): AppError | undefined {
    if (message.data.length === 0) {
      this.#settings.onStreamMissing();
      return new BusUnavailable(
        "no stream accepts the event: JetStream is starting, or the stream is missing",
      );
    }
    const text = message.string();
    if (!text.includes('"error"')) return undefined;
    const { error } = JSON.parse(text) as { error?: { code: number; description: string } };
    if (!error) return undefined;
    return /maximum (bytes|messages)|insufficient/.test(error.description)
      ? new BusFull(`the stream rejects events: ${error.description}`)
      : new BusUnavailable(`the stream rejects the event: ${error.description}`);
  }

  /** The map is in insertion order, so the oldest come first. */
  #expire(): void {
    const now = performance.now();
    for (const [token, { deadline, reject }] of this.#unconfirmed) {
      if (deadline > now) return;
      this.#unconfirmed.delete(token);
      reject(new BusUnavailable(`no confirmation within ${this.#settings.timeoutMs} ms`));
    }
  }
}
