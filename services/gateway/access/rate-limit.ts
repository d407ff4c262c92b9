import { setNewest } from "../../../shared/newest-entries.ts";

/** Keys in memory; the one that was used least recently is dropped first. */
const MOST_KEYS = 20_000;

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * Admits a number of requests per minute for each key, spread over the minute: after a burst of that size one more is
 * admitted whenever its share of the minute has passed.
 */
export class RateLimit {
  readonly #perMinute: number;
  readonly #buckets = new Map<string, Bucket>();

  /** 0 admits everything. */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** Takes one request at `now` (ms). Returns how long the client has to wait, in ms; 0 where it is admitted. */
  take(key: string, now: number): number {
    if (this.#perMinute === 0) return 0;
    const msPerToken = 60_000 / this.#perMinute;
    const bucket = this.#buckets.get(key) ?? { tokens: this.#perMinute, at: now };
    const tokens = Math.min(this.#perMinute, bucket.tokens + Math.max(0, now - bucket.at) / msPerToken);
    const isAdmitted = tokens >= 1;
    setNewest(this.#buckets, key, { tokens: isAdmitted ? tokens - 1 : tokens, at: now }, MOST_KEYS);
    return isAdmitted ? 0 : (1 - tokens) * msPerToken;
  }
}
