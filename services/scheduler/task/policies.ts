import type { MisfirePolicy } from "../../../shared/contracts/task-definition.ts";
import { countOccurrences, type OccurrenceCount, occurrencesUpTo, type Trigger } from "../trigger/trigger.ts";

/** Consecutive occurrences that are skipped for one reason. Instants in ms, both ends inclusive. */
export interface SkipRange {
  readonly reason: "coalesced" | "misfire";
  readonly plannedAt: number;
  readonly lastPlannedAt: number;
  readonly count: number;
}

export interface MissedOccurrences {
  readonly trigger: Trigger;
  /** The instant up to which all occurrences are accounted for. */
  readonly after: number;
  readonly now: number;
  readonly policy: MisfirePolicy;
  /** An occurrence that is late by no more than this is no misfire. */
  readonly graceMs: number;
  /** Maximum number of occurrences that one call accounts for; at least 1. */
  readonly limit: number;
}

export interface Resolution {
  /** Planned times to dispatch, in order. */
  readonly dispatches: number[];
  readonly skipped: SkipRange[];
  /** Everything up to here is accounted for. If it is before `now`, call again with it as `after`. */
  readonly nextAfter: number;
}

/**
 * Accounts for the occurrences in (after, now]: each one in (after, nextAfter] is in exactly one of `dispatches` and
 * `skipped`. Those at most `graceMs` old are late, and every policy dispatches them. For the older ones, the misfires,
 * `fire_once` dispatches the latest and skips the others as `coalesced`, `skip` skips all as `misfire`, and `fire_all`
 * dispatches all.
 */
export function resolveMissed(missed: MissedOccurrences): Resolution {
  const { trigger, after, now, policy, graceMs, limit } = missed;
  if (now <= after) return { dispatches: [], skipped: [], nextAfter: after };
  const missedUntil = policy === "fire_all" ? after : Math.max(after, now - graceMs - 1);
  const late = countOccurrences(trigger, { after, until: missedUntil, limit });
  const { dispatches, skipped } = resolveMisfires(late, policy);
  if (!late.complete) return { dispatches, skipped, nextAfter: late.last ?? after };
  // One more than the limit, to see whether any is left.
  const room = limit - late.count;
  const onTime = occurrencesUpTo(trigger, { after: missedUntil, until: now, limit: room + 1 });
  dispatches.push(...onTime.slice(0, room));
  if (onTime.length <= room) return { dispatches, skipped, nextAfter: now };
  return { dispatches, skipped, nextAfter: onTime[room - 1] ?? late.last ?? after };
}

/** Only the latest misfire may be dispatched, so an incomplete count skips everything that it covers. */
function resolveMisfires(
  { count, first, beforeLast, last, complete }: OccurrenceCount,
  policy: MisfirePolicy,
): { dispatches: number[]; skipped: SkipRange[] } {
  if (first === null || last === null) return { dispatches: [], skipped: [] };
  if (policy !== "fire_once") {
    return { dispatches: [], skipped: [{ reason: "misfire", plannedAt: first, lastPlannedAt: last, count }] };
  }
  if (!complete) {
    return {
      dispatches: [],
      skipped: [{ reason: "coalesced", plannedAt: first, lastPlannedAt: last, count }],
    };
  }
  if (beforeLast === null) return { dispatches: [last], skipped: [] };
  const earlier = {
    reason: "coalesced",
    plannedAt: first,
    lastPlannedAt: beforeLast,
    count: count - 1,
  } as const;
  return { dispatches: [last], skipped: [earlier] };
}
