import type { Clock } from "../../shared/clock.ts";

/** Remembers ids for a while, bounded: each for `keepMs` at least and twice that at most. */
export interface ExpiringIds {
  add(id: string): void;
  has(id: string): boolean;
}

interface Limits {
  readonly keepMs: number;
  /** More ids than this within `keepMs` push the oldest out early. */
  readonly limit: number;
}

/** Two generations: the younger one takes new ids, the older one is dropped as a whole, which costs nothing per id. */
export function expiringIds(clock: Clock, { keepMs, limit }: Limits): ExpiringIds {
  let young = new Set<string>();
  let old = new Set<string>();
  let turnedAt = clock.now();
  const turn = (now: number): void => {
    if (now - turnedAt < keepMs && young.size < limit) return;
    old = now - turnedAt < 2 * keepMs ? young : new Set();
    young = new Set();
    turnedAt = now;
  };
  return {
    add(id) {
      turn(clock.now());
      young.add(id);
    },
    has(id) {
      if (young.size === 0 && old.size === 0) return false;
      turn(clock.now());
      return young.has(id) || old.has(id);
    },
  };
}
