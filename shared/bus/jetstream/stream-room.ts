import type { StreamState } from "nats";
import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { BusFull } from "../bus.ts";
import type { JetStreamConnection } from "./connection.ts";
import { type Progress, progressOfGroups } from "./progress.ts";
import { STREAM } from "./streams.ts";

export interface RoomOptions {
  readonly connection: JetStreamConnection;
  readonly logger: Log;
  /** Size from which on new events are refused; one event may go beyond it. */
  readonly maxBytes: number;
  /** Age from which on handled events may leave. */
  readonly maxAgeMs: number;
  /** Durables that count though they may not exist yet. */
  readonly groups: readonly string[];
  /** Another version of the platform, or an operator, has limited the stream. */
  onLimited(): Promise<void>;
}

/** Above this share of its size the older half of the history leaves the stream. */
const CROWDED = 0.7;
/** Below this share a stream that was full counts as having room again. */
const ROOMY = 15 / 16;
const LOOK_MS = 1000;
const LOOK_AGAIN_MS = 100;
const SAY_AGAIN_MS = 60_000;
/** What the server adds to a stored message, our headers included. */
const OVERHEAD_BYTES = 200;

/**
 * Keeps the stream within its size without the server's own limits: those drop events that nobody has handled (by age,
 * and before 2.10.5 also by size, though told to refuse: nats-server issue 4771). New events are refused here when
 * there is no room, and what all groups have handled is taken away here. Each process of the platform does both by
 * itself; what one has done changes nothing for the others.
 */
export class StreamRoom {
  readonly #options: RoomOptions;
  /** The stream's size when it was looked at last, and what was sent since. */
  #used = 0;
  #lookedAt = 0;
  #agedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #fullReason: string | undefined;
  #said = { text: "", at: 0 };

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => this.#lookSoon(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Why new events are refused at present, in words. */
  get fullReason(): string | undefined {
    return this.#fullReason;
  }

  /**
   * Counts an event that is about to be sent; `BUS_FULL` where it has to wait. What runs report may take as much again:
   * an order leaves the stream only when the end of its run is in it, so refusing that would never end.
   */
  admit(type: string, bodyBytes: number): void {
    const { maxBytes } = this.#options;
    if (this.#used > maxBytes * CROWDED) this.#lookSoon();
    if (this.#used >= (type.startsWith("run.") ? 2 * maxBytes : maxBytes))
      throw new BusFull(this.#fullReason ?? `the stream ${STREAM} is full for the moment`);
    this.#used += bodyBytes + OVERHEAD_BYTES;
  }

  #lookSoon(): void {
    if (this.#looking || performance.now() - this.#lookedAt < LOOK_AGAIN_MS) return;
    if (!this.#options.connection.isConnected) return;
    this.#looking = this.#look()
      .catch((error) => {
        if (!this.#options.connection.isConnected) return;
        this.#warn(`the stream ${STREAM} could not be purged: ${errorMessage(error)}`);
      })
      .finally(() => {
        this.#lookedAt = performance.now();
        this.#looking = undefined;
      });
  }

  async #look(): Promise<void> {
    const { connection, logger, maxBytes, maxAgeMs, groups, onLimited } = this.#options;
    const { streams } = connection.manager;
    const { state, config } = await streams.info(STREAM);
    if (config.max_bytes > 0 || config.max_age > 0) {
      logger.warn(
        { stream: STREAM },
        "the stream has limits that drop unhandled events; they are removed again",
      );
      await onLimited();
    }
    this.#used = state.bytes;
    const isCrowded = state.bytes > maxBytes * CROWDED;
    const agedBefore = Date.now() - maxAgeMs;
    const isAged = this.#isAgeDue(maxAgeMs) && Date.parse(String(state.first_ts)) < agedBefore;
    if (isCrowded || isAged) {
      const progress = await progressOfGroups(connection.manager, { expected: groups, last: state.last_seq });
      const aged = isAged ? await this.#firstSince(agedBefore, state) : 0;
      const keep = firstToKeep(state, progress, { isCrowded, aged });
      if (keep !== undefined) {
        await streams.purge(STREAM, { seq: keep });
        this.#used = (await streams.info(STREAM)).state.bytes;
      }
      this.#judge(progress);
    } else this.#judge([]);
  }

  /** Age is looked after rarely: the last events of a quiet platform stay for ever, and finding the old ones takes time. */
  #isAgeDue(maxAgeMs: number): boolean {
    const now = performance.now();
    if (now - this.#agedAt < maxAgeMs / 64) return false;
    this.#agedAt = now;
    return true;
  }

  #judge(progress: readonly Progress[]): void {
    const { maxBytes, logger } = this.#options;
    const slowest = [...progress].sort((one, other) => one.handled - other.handled)[0];
    if (this.#used >= maxBytes && slowest && slowest.waiting > 0) {
      this.#fullReason = `the stream ${STREAM} is full: ${slowest.name} has ${slowest.waiting} events to handle`;
      this.#warn(this.#fullReason);
    } else if (this.#used < maxBytes * ROOMY && this.#fullReason) {
      this.#fullReason = undefined;
      logger.info({ stream: STREAM }, "the stream has room again");
    }
  }

  #warn(text: string): void {
    const now = performance.now();
    const isNew = text.replaceAll(/\d+/g, "") !== this.#said.text.replaceAll(/\d+/g, "");
    if (!isNew && now - this.#said.at < SAY_AGAIN_MS) return;
    this.#said = { text, at: now };
    this.#options.logger.warn({ stream: STREAM }, text);
  }

  /** The first sequence that is not older; found by halving, since the server has no such question. */
  async #firstSince(time: number, { first_seq, last_seq }: StreamState): Promise<number> {
    const { streams } = this.#options.connection.manager;
    const isOlder = (seq: number) =>
      streams.getMessage(STREAM, { seq }).then(
        (message) => message.time.getTime() < time,
        () => false,
      );
    let [low, high] = [first_seq, last_seq];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (await isOlder(middle)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * The sequence below which the stream is emptied: its older half where it is crowded, or what has reached its age, but
 * nothing that a group has not handled, nor the quarter before that. So the part of the server's file that a purge
 * rewrites holds no unhandled event, unless the stream is tiny. Undefined where that is not worth the while.
 */
export function firstToKeep(
  { first_seq, last_seq }: Pick<StreamState, "first_seq" | "last_seq">,
  progress: readonly Pick<Progress, "handled">[],
  { isCrowded, aged }: { readonly isCrowded: boolean; readonly aged: number },
): number | undefined {
  const size = last_seq - first_seq + 1;
  const handled = Math.min(last_seq, ...progress.map((group) => group.handled));
  const spare = handled + 1 - Math.ceil(size / 4);
  const wanted = Math.max(isCrowded ? first_seq + Math.floor(size / 2) : 0, aged);
  const keep = Math.min(wanted, spare);
  return keep - first_seq >= Math.max(1, size / 16) ? keep : undefined;
}
