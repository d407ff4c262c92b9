import { createHash } from "node:crypto";
import { type Rhythm, rhythmOf } from "./rhythm.ts";
import type { StoredEvent } from "./stored.ts";

/** A run that a task's stream orders. */
export interface DispatchedRun {
  readonly runId: string;
  readonly taskId: string;
  readonly plannedAt: number;
  /** When the order was decided. */
  readonly at: number;
  /** Asked for by hand: no occurrence of the schedule. */
  readonly isManual: boolean;
  readonly mayOverlap: boolean;
  /** Its place in the task's stream. */
  readonly version: number;
  /** The process that ordered it, as the event names it: `scheduler-<boot>`. */
  readonly writer: string;
  /** When the task was stopped or deleted after it, so that the run must not begin any more. */
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

/** One of a task's events, and what the task was after it. */
export interface Statement {
  readonly type: string;
  readonly version: number;
  /** When the event was made, which is before its commit. */
  readonly time: number;
  readonly cause: string | undefined;
  /** Of the run that it orders; null where it orders none or one of the schedule. */
  readonly manualRunId: string | null;
  readonly after: "active" | "idle" | "deleted";
}

export interface TaskHistory {
  readonly taskId: string;
  readonly name: string;
  readonly dispatched: readonly DispatchedRun[];
  readonly skipped: readonly Skipped[];
  /** All events, in the order of their commits. */
  readonly statements: readonly Statement[];
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
  readonly #dispatched: DispatchedRun[] = [];
  readonly #skipped: Skipped[] = [];
  readonly #statements: Statement[] = [];
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
      dispatched: this.#dispatched,
      skipped: this.#skipped,
      statements: this.#statements,
      isDeleted: this.#isDeleted,
      faults: this.#faults,
    };
  }

  take(event: StoredEvent): void {
    const dispatches = this.#dispatched.length;
    this.#apply(event);
    const [newest] = this.#dispatched.slice(dispatches);
    this.#statements.push({
      type: event.type,
      version: event.version,
      time: event.time.getTime(),
      cause: event.causationid,
      manualRunId: newest?.isManual ? newest.runId : null,
      after: this.#isDeleted ? "deleted" : this.#isActive ? "active" : "idle",
    });
  }

  #apply({ type, data, version, writer = "" }: StoredEvent): void {
    const at = Date.parse(data.at);
    if (this.#isDeleted) this.#fault(`${type} at ${version} after the deletion`);
    switch (type) {
      case "task.created":
        this.#name = data.name;
        this.#define(data, at);
        break;
      case "task.changed":
        this.#checkHandled(at, type);
        this.#define(data, at);
        break;
      case "task.resumed":
        this.#resume(data, at);
        break;
      case "task.paused":
        this.#checkHandled(at, type);
        this.#revoke(at);
        this.#become(false, null);
        break;
      case "task.deleted":
        this.#checkHandled(at, type);
        this.#revoke(at);
        this.#isDeleted = true;
        this.#become(false, null);
        break;
      case "task.finished":
        if (this.#next !== null) this.#fault(`finished although ${iso(this.#next)} is left`);
        this.#become(false, null);
        break;
      case "task.due":
        this.#run(data, version, writer);
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
    this.#become(data.isActive, data.isActive && !isSpent ? first : null);
    this.#checkNext(data, at);
  }

  #resume(data: StoredEvent["data"], at: number): void {
    this.#rhythm = rhythmOf(this.#definition, at);
    const first = this.#first(at);
    this.#become(true, first !== null && first <= this.#lastRunAt ? this.#lastRunAt + 1 : first);
    this.#checkNext(data, at);
  }

  /** An occurrence is spent once it was ordered, also ahead of its time. */
  #first(at: number): number | null {
    const isAhead = this.#rhythm?.isRepeating && this.#lastRunAt >= at;
    return this.#rhythm?.from(isAhead ? this.#lastRunAt + 1 : at) ?? null;
  }

  #run(data: StoredEvent["data"], version: number, writer: string): void {
    const { runId } = data;
    const at = Date.parse(data.at);
    const plannedAt = Date.parse(data.plannedAt);
    const isManual = runId !== occurrenceId(this.#taskId, plannedAt);
    const mayOverlap = isManual || this.#definition.overlap === "allow";
    if (!isManual) this.#handle(plannedAt, plannedAt, 1);
    this.#dispatched.push({
      runId,
      taskId: this.#taskId,
      plannedAt,
      at,
      isManual,
      mayOverlap,
      version,
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
    this.#handle(plannedAt, lastPlannedAt, count);
    this.#skipped.push({ skipId, taskId: this.#taskId, reason, plannedAt, lastPlannedAt, count, at });
    this.#checkNext(data, at);
  }

  /** Walks from the occurrence that is next to the last one that is settled. */
  #handle(first: number, last: number, count: number): void {
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

  #checkHandled(at: number, type: string): void {
    if (this.#next !== null && this.#next <= at)
      this.#fault(`${type} at ${iso(at)} forgets the occurrence of ${iso(this.#next)}`);
  }

  #revoke(at: number): void {
    for (const run of this.#dispatched) run.revokedAt ??= at;
  }

  #become(isActive: boolean, next: number | null): void {
    this.#isActive = isActive;
    this.#next = next;
  }

  #fault(what: string): void {
    this.#faults.push(`task ${this.#taskId} (${this.#name}) ${what}`);
  }
}

const iso = (instant: number | null): string => (instant === null ? "none" : new Date(instant).toISOString());
