import { errorMessage } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { BusFull } from "../bus.ts";
import type { JetStreamConnection } from "./connection.ts";
import { firstSequenceSince, type Progress, progressOfGroups } from "./progress.ts";
import { firstToKeep } from "./purge-point.ts";
import { STREAM } from "./streams.ts";

export interface RoomOptions {
  readonly connection: JetStreamConnection;
  readonly logger: Log;
  /** Size from which on new events are rejected; one event may exceed it. */
  readonly maxBytes: number;
  /** Age from which on handled events may be purged. */
  readonly maxAgeMs: number;
  /** Durable consumers whose events are kept although the consumers may not exist yet. */
  readonly groups: readonly string[];
  /** Another version of the platform, or an operator, has limited the stream. */
  onLimited(): Promise<void>;
}

/** Above this share of its size, the older half of the stream is purged. */
const PURGE_ABOVE = 0.7;
/** Below this share, a stream that was full counts as having room again. */
const ROOM_BELOW = 15 / 16;
const INSPECT_EVERY_MS = 1000;
const INSPECT_PAUSE_MS = 100;
const REPEAT_WARNING_MS = 60_000;
/** What the server adds to a stored message, including our headers. */
const OVERHEAD_BYTES = 200;

/**
 * Keeps the stream within its size without the server's own limits: those drop unhandled events (by age, and before
 * 2.10.5 also by size despite the discard policy: nats-server issue 4771). New events are rejected here when there is
 * no room, and events that all groups have handled are purged here. Each process of the platform does both
 * independently; repeating what another process did has no effect.
 */
export class StreamRoom {
  readonly #options: RoomOptions;
  /** The stream's size at the last inspection plus what was sent since. */
  #used = 0;
  #inspectedAt = 0;
  #ageCheckedAt = Number.NEGATIVE_INFINITY;
  #inspection: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #fullReason: string | undefined;
  #lastWarning = { text: "", at: 0 };

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#inspect();
    this.#timer = setInterval(() => this.#inspectSoon(), INSPECT_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The reason why new events are currently rejected, as a sentence; undefined while there is room. */
  get fullReason(): string | undefined {
    return this.#fullReason;
  }

  /**
   * Counts an event that is about to be sent. Events of runs may use twice the size: a dispatch can be purged only after
   * the end of its run is stored, so rejecting those would block the stream for good.
   * @throws `BUS_FULL`
   */
  admit(type: string, bodyBytes: number): void {
    const { maxBytes } = this.#options;
    if (this.#used > maxBytes * PURGE_ABOVE) this.#inspectSoon();
    if (this.#used >= (type.startsWith("run.") ? 2 * maxBytes : maxBytes))
      throw new BusFull(this.#fullReason ?? `the stream ${STREAM} is full for the moment`);
    this.#used += bodyBytes + OVERHEAD_BYTES;
  }

  #inspectSoon(): void {
    if (this.#inspection || performance.now() - this.#inspectedAt < INSPECT_PAUSE_MS) return;
    if (!this.#options.connection.isConnected) return;
    this.#inspection = this.#inspect()
      .catch((error) => {
        if (!this.#options.connection.isConnected) return;
        this.#warn(`the stream ${STREAM} could not be purged: ${errorMessage(error)}`);
      })
      .finally(() => {
        this.#inspectedAt = performance.now();
        this.#inspection = undefined;
      });
  }

  async #inspect(): Promise<void> {
    const { connection, maxBytes, maxAgeMs } = this.#options;
    const { state, config } = await connection.manager.streams.info(STREAM);
    if (config.max_bytes > 0 || config.max_age > 0) await this.#removeLimits();
    this.#used = state.bytes;
    const isNearlyFull = state.bytes > maxBytes * PURGE_ABOVE;
    const agedBefore = Date.now() - maxAgeMs;
    const hasAged = this.#isAgeCheckDue() && Date.parse(String(state.first_ts)) < agedBefore;
    if (!isNearlyFull && !hasAged) return this.#updateFullReason([]);
    const { groups: expected } = this.#options;
    const progress = await progressOfGroups(connection.manager, { expected, last: state.last_seq });
    const aged = hasAged ? await firstSequenceSince(connection.manager, agedBefore, state) : 0;
    const keep = firstToKeep(state, progress, { isNearlyFull, aged });
    if (keep !== undefined) await this.#purge(keep);
    this.#updateFullReason(progress);
  }

  async #removeLimits(): Promise<void> {
    const { logger, onLimited } = this.#options;
    logger.warn({ stream: STREAM }, "removing limits of the stream that drop unhandled events");
    await onLimited();
  }

  async #purge(keep: number): Promise<void> {
    const { streams } = this.#options.connection.manager;
    await streams.purge(STREAM, { seq: keep });
    this.#used = (await streams.info(STREAM)).state.bytes;
  }

  /** Age is checked rarely: finding old events takes time, and the last events of a quiet platform stay old. */
  #isAgeCheckDue(): boolean {
    const now = performance.now();
    if (now - this.#ageCheckedAt < this.#options.maxAgeMs / 64) return false;
    this.#ageCheckedAt = now;
    return true;
  }

  #updateFullReason(progress: readonly Progress[]): void {
    const { maxBytes, logger } = this.#options;
    const slowest = [...progress].sort((one, other) => one.handled - other.handled)[0];
    if (this.#used >= maxBytes && slowest && slowest.waiting > 0) {
      this.#fullReason = `the stream ${STREAM} is full: ${slowest.name} has ${slowest.waiting} events to handle`;
      this.#warn(this.#fullReason);
    } else if (this.#used < maxBytes * ROOM_BELOW && this.#fullReason) {
      this.#fullReason = undefined;
      logger.info({ stream: STREAM }, "the stream has room again");
    }
  }

  /** Logs a text, at most once a minute while only its numbers change. */
  #warn(text: string): void {
    const now = performance.now();
    const isNew = text.replaceAll(/\d+/g, "") !== this.#lastWarning.text.replaceAll(/\d+/g, "");
    if (!isNew && now - this.#lastWarning.at < REPEAT_WARNING_MS) return;
    this.#lastWarning = { text, at: now };
    this.#options.logger.warn({ stream: STREAM }, text);
  }
}
