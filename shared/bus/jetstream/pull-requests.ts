import { type Msg, type NatsConnection, nanos } from "nats";
import { STREAM } from "./streams.ts";

export interface PullPort {
  /** Name of the durable consumer. */
  readonly consumer: string;
  /** Where the messages are delivered. */
  readonly inbox: string;
  readonly maxInFlight: number;
  /** The connection, or undefined while nothing may be pulled. */
  connection(): NatsConnection | undefined;
  /** Messages that can be accepted now. */
  room(): number;
}

/** A pull request that is not fulfilled expires after this and is sent again. */
const EXPIRES_MS = 30_000;
/** Interval of the server's heartbeats for a pending pull request. */
export const PULL_HEARTBEAT_MS = 2000;

/** How a pull request stands: it is pending, it expired, or its consumer no longer exists. */
export type PullStatus = "pending" | "expired" | "broken";

/** The pull requests of one member: never for more messages than there is room for. */
export class PullRequests {
  readonly #port: PullPort;
  /** Messages requested and not received. */
  #requested = 0;
  #lastSign = 0;
  #isScheduled = false;

  constructor(port: PullPort) {
    this.#port = port;
  }

  pullSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After the acknowledgements of this turn, so that one request covers all of them.
    setImmediate(() => {
      this.#isScheduled = false;
      this.pull();
    });
  }

  pull(): void {
    const { consumer, inbox, maxInFlight } = this.#port;
    const connection = this.#port.connection();
    if (!connection) return;
    const wanted = this.#port.room() - this.#requested;
    const worthwhile = this.#requested === 0 ? 1 : Math.ceil(maxInFlight / 4);
    if (wanted < worthwhile) return;
    this.#requested += wanted;
    this.#lastSign = performance.now();
    const request = {
      batch: wanted,
      expires: nanos(EXPIRES_MS),
      idle_heartbeat: nanos(PULL_HEARTBEAT_MS),
    };
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${consumer}`;
    connection.publish(subject, JSON.stringify(request), { reply: inbox });
  }

  /** A requested message was received. */
  received(): void {
    this.#lastSign = performance.now();
    this.#requested = Math.max(0, this.#requested - 1);
  }

  /** True if no message is requested. */
  get isIdle(): boolean {
    return this.#requested === 0;
  }

  /** A status was received. 100: the request is pending; 408 and 409: it ended, with a number of messages undelivered. */
  statusOf({ headers }: Msg): PullStatus {
    this.#lastSign = performance.now();
    const code = headers?.code ?? 0;
    if (code === 100) return "pending";
    const undelivered = Number(headers?.get("Nats-Pending-Messages") || Number.NaN);
    this.#requested = Number.isNaN(undelivered) ? 0 : Math.max(0, this.#requested - undelivered);
    return code === 408 ? "expired" : "broken";
  }

  /** True if heartbeats of a pending request are missing. */
  isStalled(now: number): boolean {
    return this.#requested > 0 && now - this.#lastSign > 2.5 * PULL_HEARTBEAT_MS;
  }

  /** The server has dropped all requests. */
  reset(): void {
    this.#requested = 0;
  }
}
