import type { MisfirePolicy } from "../../../shared/contracts/task-definition.ts";
import { countOccurrences, type OccurrenceCount, occurrencesUpTo, type Trigger } from "../trigger/trigger.ts";

/** Lateness up to this many milliseconds is no misfire. */
export const DEFAULT_GRACE_MS = 1_000;

/** Consecutive occurrences that do not fire, for one reason. Instants in ms, both ends inclusive. */
export interface SkipRange {
  readonly reason: "coalesced" | "misfire";
  readonly plannedAt: number;
  readonly lastPlannedAt: number;
  readonly count: number;
}

export interface MissedOccurrences {
  readonly trigger: Trigger;
  /** The instant up to which all is settled. */
  readonly after: number;
  readonly now: number;
  readonly policy: MisfirePolicy;
  readonly graceMs?: number;
  /** The most occurrences that one call settles; at least 1. */
  readonly limit: number;
}

export interface Resolution {
  /** Planned times to fire, in order. */
  readonly fires: number[];
  readonly skipped: SkipRange[];
  /** All up to here is settled; where it is before `now`, call again with it as `after`. */
  readonly nextAfter: number;
}

/**
 * Settles the occurrences in (after, now]: each in (after, nextAfter] is in exactly one of `fires` and `skipped`.
 * Those at most `graceMs` old are merely late and fire under every policy. Of the older, missed ones `fire_once`
 * fires the latest and skips the others as `coalesced`, `skip` skips all as `misfire`, `fire_all` fires all.
 */
export function resolveMissed(missed: MissedOccurrences): Resolution {
  const { trigger, after, now, policy, graceMs = DEFAULT_GRACE_MS, limit } = missed;
  if (now <= after) return { fires: [], skipped: [], nextAfter: after };
  const missedUntil = policy === "fire_all" ? after : Math.max(after, now - graceMs - 1);
  const late = countOccurrences(trigger, { after, until: missedUntil, limit });
  const { fires, skipped } = settleLate(late, policy);
  if (!late.complete) return { fires, skipped, nextAfter: late.last ?? after };
  // One more than may be settled, to see whether any is left.
  const room = limit - late.count;
  const onTime = occurrencesUpTo(trigger, { after: missedUntil, until: now, limit: room + 1 });
  fires.push(...onTime.slice(0, room));
  if (onTime.length <= room) return { fires, skipped, nextAfter: now };
  return { fires, skipped, nextAfter: onTime[room - 1] ?? late.last ?? after };
}

/** Only the latest of all missed occurrences may fire, so a count that stopped short skips all that it saw. */
function settleLate(
  { count, first, beforeLast, last, complete }: OccurrenceCount,
  policy: MisfirePolicy,
): { fires: number[]; skipped: SkipRange[] } {
  if (first === null || last === null) return { fires: [], skipped: [] };
  if (policy !== "fire_once") {
    return { fires: [], skipped: [{ reason: "misfire", plannedAt: first, lastPlannedAt: last, count }] };
  }
  if (!complete) {
    return { fires: [], skipped: [{ reason: "coalesced", plannedAt: first, lastPlannedAt: last, count }] };
  }
  if (beforeLast === null) return { fires: [last], skipped: [] };
  const earlier = {
    reason: "coalesced",
    plannedAt: first,
    lastPlannedAt: beforeLast,
    count: count - 1,
  } as const;
  return { fires: [last], skipped: [earlier] };
}
