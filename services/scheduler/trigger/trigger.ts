import type { CronDialect, ExecStrategy } from "../../../shared/contracts/task-definition.ts";
import { compileCron, countCronOccurrences, nextCronOccurrence } from "./cron-trigger.ts";
import {
  type IntervalTrigger,
  intervalMs,
  intervalTrigger,
  multiplesUpTo,
  nextMultiple,
} from "./interval-trigger.ts";
import { dateInstant } from "./trigger-date.ts";
import { InvalidTrigger } from "./trigger-error.ts";
import { zoneNamed } from "./trigger-zone.ts";

/**
 * The rule that makes a task due. Plain data, created by {@link parseTrigger}. Instants are milliseconds;
 * `startAt` and `endAt` bound the window of a cron or interval trigger, both inclusive.
 */
export type Trigger =
  | {
      readonly kind: "cron";
      readonly expression: string;
      readonly dialect: CronDialect;
      readonly timezone: string;
      readonly startAt: number | null;
      readonly endAt: number | null;
    }
  | IntervalTrigger
  | { readonly kind: "date"; readonly at: number }
  | { readonly kind: "once"; readonly at: number };

/** The part of a definition that determines when the task runs. */
export interface TriggerDefinition {
  readonly execStrategy: ExecStrategy;
  readonly expression: string | null;
  readonly startAt: number | null;
  readonly endAt: number | null;
  readonly timezone: string;
  readonly cronDialect: CronDialect;
}

/** The occurrences in a span; `complete` is false if the limit stopped the count. */
export interface OccurrenceCount {
  readonly count: number;
  readonly first: number | null;
  /** The one before the last; null if fewer than two were counted. */
  readonly beforeLast: number | null;
  readonly last: number | null;
  readonly complete: boolean;
}

/** The end of the year 9999: nothing is planned later. */
const LAST_INSTANT = Date.UTC(10_000, 0);

/**
 * Creates the trigger of a definition, as of `now` (ms).
 * `once`, and `date` without an expression or in the past, are due at `now`; their window is ignored.
 * A valid trigger may have no occurrence: see {@link firstOccurrence}.
 *
 * @throws InvalidTrigger `TRIGGER_INVALID` with the field, the reason and what is valid
 */
export function parseTrigger(definition: TriggerDefinition, now: number): Trigger {
  const { execStrategy, expression, startAt, endAt, timezone, cronDialect } = definition;
  const zone = zoneNamed(timezone);
  switch (execStrategy) {
    case "once":
      return { kind: "once", at: now };
    case "date":
      return { kind: "date", at: expression?.trim() ? Math.max(dateInstant(expression, zone), now) : now };
    case "interval": {
      const everyMs = intervalMs(expression ?? "");
      checkWindow(startAt, endAt);
      return intervalTrigger(everyMs, { startAt, endAt }, now);
    }
    case "cron": {
      const trimmed = (expression ?? "").trim();
      compileCron(trimmed, cronDialect);
      checkWindow(startAt, endAt);
      return { kind: "cron", expression: trimmed, dialect: cronDialect, timezone, startAt, endAt };
    }
  }
}

function checkWindow(startAt: number | null, endAt: number | null): void {
  if (startAt === null || endAt === null || endAt >= startAt) return;
  throw new InvalidTrigger({ field: "endAt", reason: "WINDOW_REVERSED", expected: ">= startAt" });
}

/** The first occurrence strictly after `after` (ms), or null if there is none. */
export function nextOccurrence(trigger: Trigger, after: number): number | null {
  if (!(after < LAST_INSTANT)) return null;
  if (trigger.kind === "date" || trigger.kind === "once") return trigger.at > after ? trigger.at : null;
  const from = trigger.startAt !== null && trigger.startAt > after ? trigger.startAt - 1 : after;
  const next =
    trigger.kind === "interval"
      ? nextMultiple(trigger, from)
      : nextCronOccurrence(
          compileCron(trigger.expression, trigger.dialect),
          zoneNamed(trigger.timezone),
          from,
        );
  return next >= LAST_INSTANT || (trigger.endAt !== null && next > trigger.endAt) ? null : next;
}

/** The first occurrence of a trigger that was created at `now`; one at `now` itself counts. */
export function firstOccurrence(trigger: Trigger, now: number): number | null {
  return nextOccurrence(trigger, now - 1);
}

/** Up to `limit` occurrences strictly after `after`, in order. */
export function nextOccurrences(trigger: Trigger, after: number, limit: number): number[] {
  return occurrencesUpTo(trigger, { after, until: LAST_INSTANT, limit });
}

/** Up to `limit` occurrences in (after, until], in order. */
export function occurrencesUpTo(
  trigger: Trigger,
  { after, until, limit }: { after: number; until: number; limit: number },
): number[] {
  const occurrences: number[] = [];
  let next = nextOccurrence(trigger, after);
  while (next !== null && next <= until && occurrences.length < limit) {
    occurrences.push(next);
    next = nextOccurrence(trigger, next);
  }
  return occurrences;
}

/**
 * Number of occurrences in (after, until], at most `limit`, with the first and the last one that were counted. The cost
 * does not grow with the number of occurrences: an interval is calculated, and a long span of a cron trigger is counted
 * by days.
 */
export function countOccurrences(
  trigger: Trigger,
  { after, until, limit }: { after: number; until: number; limit: number },
): OccurrenceCount {
  const first = nextOccurrence(trigger, after);
  const isNone = first === null || first > until;
  if (isNone || limit < 1) return { count: 0, first: null, beforeLast: null, last: null, complete: isNone };
  if (trigger.kind === "cron") return countCron(trigger, first, { until, limit });
  if (trigger.kind !== "interval") return walkFrom(trigger, first, { until, limit });
  const { everyMs, endAt } = trigger;
  const all = multiplesUpTo(everyMs, first, Math.min(until, endAt ?? until, LAST_INSTANT - 1));
  const count = Math.min(all, limit);
  const last = first + (count - 1) * everyMs;
  return { count, first, beforeLast: count > 1 ? last - everyMs : null, last, complete: count === all };
}

/** In shorter spans each occurrence is visited. */
const WALKED = 100;

function countCron(
  trigger: Extract<Trigger, { kind: "cron" }>,
  first: number,
  { until, limit }: { until: number; limit: number },
): OccurrenceCount {
  const walked = walkFrom(trigger, first, { until, limit: Math.min(limit, WALKED) });
  if (walked.complete || limit <= WALKED) return walked;
  const schedule = compileCron(trigger.expression, trigger.dialect);
  const zone = zoneNamed(trigger.timezone);
  const end = Math.min(until, trigger.endAt ?? until, LAST_INSTANT - 1);
  const upTo = (instant: number) =>
    countCronOccurrences(schedule, zone, { after: first - 1, until: instant });
  /** The nth occurrence is the first second with n occurrences up to it. */
  const nth = (n: number) => {
    let [before, at] = [Math.floor(first / 1000) - 1, Math.ceil(end / 1000)];
    while (at - before > 1) {
      const middle = Math.floor((before + at) / 2);
      if (upTo(middle * 1000) >= n) at = middle;
      else before = middle;
    }
    return at * 1000;
  };
  const all = upTo(end);
  const count = Math.min(all, limit);
  return { count, first, beforeLast: nth(count - 1), last: nth(count), complete: count === all };
}

function walkFrom(
  trigger: Trigger,
  first: number,
  { until, limit }: { until: number; limit: number },
): OccurrenceCount {
  let beforeLast: number | null = null;
  let last = first;
  for (let count = 1; ; count++) {
    const next = nextOccurrence(trigger, last);
    const isDone = next === null || next > until;
    if (isDone || count === limit) return { count, first, beforeLast, last, complete: isDone };
    beforeLast = last;
    last = next;
  }
}
