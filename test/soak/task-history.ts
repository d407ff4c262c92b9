import { createHash } from "node:crypto";
import { type Rhythm, rhythmOf } from "./rhythm.ts";
import type { StoredEvent } from "./stored.ts";

/** A run that a task's stream orders. */
export interface Ordered {
  readonly runId: string;
  readonly taskId: string;
  readonly plannedAt: number;
  /** When the order was decided. */
  readonly at: number;
  /** Asked for by hand: no occurrence of the schedule. */
  readonly isManual: boolean;
  readonly mayOverlap: boolean;
  /** The process that ordered it, as the event names it: `scheduler-<boot>`. */
  readonly writer: string;
  /** When the task was stopped or deleted before the planned time, so that the run must not begin. */
  revokedAt: number | null;
}

export interface Skipped {
  readonly skipId: string;
  readonly taskId: string;
  readonly reason: string;
  readonly plannedAt: number;
  readonly lastPlannedAt: number;
  readonly count: number;
  readonly at: number;
}

/** Whether a task was active after one of its events. */
interface Change {
  readonly at: number;
  readonly isActive: boolean;
}

export interface TaskHistory {
  readonly taskId: string;
  readonly name: string;
  readonly ordered: readonly Ordered[];
  readonly skipped: readonly Skipped[];
  readonly changes: readonly Change[];
  readonly isDeleted: boolean;
  readonly faults: readonly string[];
}

/** The id of an occurrence, as decision 2 states it. */
function occurrenceId(taskId: string, plannedAt: number): string {
  const second = Math.floor(plannedAt / 1000)
    .toString(16)
    .padStart(8, "0");
  return second + createHash("sha1").update(`${taskId}/${plannedAt}`).digest("hex").slice(0, 16);
}

/**
 * Goes along a task's stream and holds against it what its definition says: each occurrence from one state to the
 * next has to be ordered or skipped in its turn, once, and nothing else.
 */
export function readHistory(stream: readonly StoredEvent[]): TaskHistory {
  const reader = new Reader(stream[0]?.data.taskId ?? "");
  for (const event of stream) reader.take(event);
  return reader.history();
}

class Reader {
  readonly #taskId: string;
  readonly #faults: string[] = [];
  readonly #ordered: Ordered[] = [];
  readonly #skipped: Skipped[] = [];
  readonly #changes: Change[] = [];
  #name = "";
  #definition: StoredEvent["data"];
  #rhythm: Rhythm | undefined;
  #isActive = false;
  #isDeleted = false;
  /** The occurrence that has to be settled next. */
  #next: number | null = null;
  #lastRunAt = Number.NEGATIVE_INFINITY;

  constructor(taskId: string) {
    this.#taskId = taskId;
  }

  history(): TaskHistory {
    if (this.#isActive) this.#fault("is still active after it was stopped");
    return {
      taskId: this.#taskId,
      name: this.#name,
      ordered: this.#ordered,
      skipped: this.#skipped,
      changes: this.#changes,
      isDeleted: this.#isDeleted,
      faults: this.#faults,
    };
  }

  take({ type, data, version, writer = "" }: StoredEvent): void {
    const at = Date.parse(data.at);
    if (this.#isDeleted) this.#fault(`${type} at ${version} after the deletion`);
    switch (type) {
      case "task.created":
        this.#name = data.name;
        this.#define(data, at);
        break;
      case "task.changed":
        this.#checkSettled(at, type);
        this.#define(data, at);
        break;
      case "task.resumed":
        this.#resume(data, at);
        break;
      case "task.paused":
        this.#checkSettled(at, type);
        this.#revoke(at);
        this.#become(at, false, null);
        break;
      case "task.deleted":
        this.#checkSettled(at, type);
        this.#revoke(at);
        this.#isDeleted = true;
        this.#become(at, false, null);
        break;
      case "task.finished":
        if (this.#next !== null) this.#fault(`finished although ${iso(this.#next)} is left`);
        this.#become(at, false, null);
        break;
      case "task.due":
        this.#order(data, at, writer);
        break;
      case "task.skipped":
        this.#skip(data, at);
        break;
      default:
        this.#fault(`holds a ${type}`);
    }
  }

  #define(data: StoredEvent["data"], at: number): void {
    this.#definition = data;
    this.#rhythm = rhythmOf(data, at);
    const first = this.#first(at);
    // Its one instant was ordered before: the event task.finished follows.
    const isSpent = !this.#rhythm.isRepeating && first !== null && first <= this.#lastRunAt;
    this.#become(at, data.isActive, data.isActive && !isSpent ? first : null);
    this.#checkNext(data, at);
  }

  #resume(data: StoredEvent["data"], at: number): void {
    this.#rhythm = rhythmOf(this.#definition, at);
    const first = this.#first(at);
    this.#become(at, true, first !== null && first <= this.#lastRunAt ? this.#lastRunAt + 1 : first);
    this.#checkNext(data, at);
  }

  /** An occurrence is spent once it was ordered, also ahead of its time. */
  #first(at: number): number | null {
    const isAhead = this.#rhythm?.isRepeating && this.#lastRunAt >= at;
    return this.#rhythm?.from(isAhead ? this.#lastRunAt + 1 : at) ?? null;
  }

  #order(data: StoredEvent["data"], at: number, writer: string): void {
    const { runId } = data;
    const plannedAt = Date.parse(data.plannedAt);
    const isManual = runId !== occurrenceId(this.#taskId, plannedAt);
    const mayOverlap = isManual || this.#definition.overlap === "allow";
    if (!isManual) this.#settle(plannedAt, plannedAt, 1);
    this.#ordered.push({
      runId,
      taskId: this.#taskId,
      plannedAt,
      at,
      isManual,
      mayOverlap,
      writer,
      revokedAt: null,
    });
    this.#lastRunAt = Math.max(this.#lastRunAt, plannedAt);
    this.#checkNext(data, at);
  }

  #skip(data: StoredEvent["data"], at: number): void {
    const { skipId, reason, count } = data;
    const [plannedAt, lastPlannedAt] = [Date.parse(data.plannedAt), Date.parse(data.lastPlannedAt)];
    if (skipId !== occurrenceId(this.#taskId, plannedAt)) this.#fault(`skip ${skipId} has a wrong id`);
    this.#settle(plannedAt, lastPlannedAt, count);
    this.#skipped.push({ skipId, taskId: this.#taskId, reason, plannedAt, lastPlannedAt, count, at });
    this.#checkNext(data, at);
  }

  /** Walks from the occurrence that is next to the last one that is settled. */
  #settle(first: number, last: number, count: number): void {
    if (!this.#isActive) this.#fault(`${iso(first)} was settled while it was not active`);
    if (first !== this.#next) this.#fault(`${iso(first)} was settled where ${iso(this.#next)} was next`);
    let walked = 0;
    let next: number | null = first;
    for (; next !== null && next <= last; walked++) next = this.#rhythm?.from(next + 1) ?? null;
    if (walked !== count)
      this.#fault(`${iso(first)} to ${iso(last)} are ${walked} occurrences, not ${count}`);
    this.#next = next;
  }

  #checkNext({ nextRunAt }: { nextRunAt: string | null }, at: number): void {
    const stated = nextRunAt === null ? null : Date.parse(nextRunAt);
    if (stated !== this.#next)
      this.#fault(`at ${iso(at)} states ${iso(stated)} as next, which is ${iso(this.#next)}`);
  }

  #checkSettled(at: number, type: string): void {
    if (this.#next !== null && this.#next <= at)
      this.#fault(`${type} at ${iso(at)} forgets the occurrence of ${iso(this.#next)}`);
  }

  #revoke(at: number): void {
    for (const order of this.#ordered) if (order.plannedAt > at) order.revokedAt ??= at;
  }

  #become(at: number, isActive: boolean, next: number | null): void {
    this.#isActive = isActive;
    this.#next = next;
    this.#changes.push({ at, isActive });
  }

  #fault(what: string): void {
    this.#faults.push(`task ${this.#taskId} (${this.#name}) ${what}`);
  }
}

const iso = (instant: number | null): string => (instant === null ? "none" : new Date(instant).toISOString());
