import type { Clock } from "../../../shared/clock.ts";

/** Stores a value per id for at least `keepMs` and at most twice that, up to a limit. */
export interface ExpiringMap<V> {
  set(id: string, value: V): void;
  get(id: string): V | undefined;
}

interface Limits {
  readonly keepMs: number;
  /** With more ids than this within `keepMs`, the oldest are dropped early. */
  readonly limit: number;
}

/** Two generations: new ids enter the younger one, and the older one is dropped as a whole, at no cost per id. */
export function expiringMap<V>(clock: Clock, { keepMs, limit }: Limits): ExpiringMap<V> {
  let young = new Map<string, V>();
  let old = new Map<string, V>();
  let turnedAt = clock.now();
  const turn = (now: number): void => {
    if (now - turnedAt < keepMs && young.size < limit) return;
    old = now - turnedAt < 2 * keepMs ? young : new Map();
    young = new Map();
    turnedAt = now;
  };
  return {
    set(id, value) {
      turn(clock.now());
      young.set(id, value);
    },
    get(id) {
      if (young.size === 0 && old.size === 0) return undefined;
      turn(clock.now());
      return young.get(id) ?? old.get(id);
    },
  };
}
