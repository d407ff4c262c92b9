import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { catalogue, type DomainEvent } from "../../../shared/contracts/catalogue.ts";
import { seal } from "../../../shared/envelope.ts";
import { foldRecord, isFolded, isOpen, LOG_LINES, type RecordedEvent, type RunRecord } from "./record.ts";
import { fromDocument, toDocument } from "./record-document.ts";

const runId = "66f2a1c00a1b2c3d4e5f6071";
const start = Date.parse("2026-01-05T08:00:00.000Z");
let clock = start;

/** The contract's example of an event, with some of its data replaced, 10 ms after the one before. */
function event(type: RecordedEvent["type"], data: object = {}): RecordedEvent {
  clock += 10;
  const example = {
    ...catalogue.contracts[type].example,
    ...("runId" in catalogue.contracts[type].example ? { runId } : {}),
    ...data,
  };
  return seal({ type, data: example } as DomainEvent, {
    subject: `run-${runId}`,
    now: clock,
  }) as RecordedEvent;
}
const fold = (events: readonly RecordedEvent[]) =>
  events.reduce<RunRecord | null>(foldRecord, null) as RunRecord;

const due = event("task.due", { plannedAt: "2026-01-05T08:00:00.000Z" });
const started = event("run.started");
const logged = event("run.logged");
const progressed = event("run.progressed");
const succeeded = event("run.succeeded", { startedAt: "2026-01-05T08:00:00.002Z" });

describe("the record of a run", () => {
  it("is queued when dispatched, running when started, and has its outcome when ended", () => {
    assert.equal(fold([due]).status, "queued");
    assert.equal(fold([due, started]).status, "running");
    const record = fold([due, started, succeeded]);
    assert.deepEqual([record.status, record.result, record.error], ["succeeded", "任务执行完成", null]);
    assert.equal(record.attempts.length, 1, "start and end are one attempt");
    assert.equal(record.described?.handler, "test.main.Test");
  });

  it("needs no start event of a run that ended quickly", () => {
    assert.deepEqual(fold([due, succeeded]).attempts, fold([due, started, succeeded]).attempts);
  });

  it("is the same for every order of its events", () => {
    const events = [due, started, logged, progressed, succeeded];
    const expected = fold(events);
    for (const order of permutations(events)) assert.deepEqual(fold(order), expected);
  });

  it("shows the run of an occurrence that was also skipped, for every order of the events", () => {
    const skipped = event("task.skipped", { skipId: runId, plannedAt: "2026-01-05T08:00:00.000Z" });
    const events = [skipped, started, succeeded];
    const expected = fold(events);
    assert.deepEqual([expected.status, expected.contradictions, expected.skip?.count], ["succeeded", 0, 1]);
    for (const order of permutations(events)) assert.deepEqual(fold(order), expected);
    assert.equal(fold([skipped, started]).status, "running");
  });

  it("shows each attempt of a run that another executor finished", () => {
    const second = event("run.succeeded", {
      executor: "executor-2",
      startedAt: "2026-01-05T08:00:30.000Z",
      delivery: 2,
    });
    const outcomes = fold([due, started, second]).attempts.map(({ executor, outcome }) => [
      executor,
      outcome,
    ]);
    assert.deepEqual(outcomes, [
      ["executor-7c9f", null],
      ["executor-2", "succeeded"],
    ]);
  });

  it("keeps the first outcome and counts what contradicts it", () => {
    const lost = event("run.lost");
    const record = fold([due, lost, succeeded]);
    assert.deepEqual([record.status, record.contradictions], ["lost", 1]);
    assert.equal(record.attempts[0]?.outcome, "succeeded", "the late outcome stays visible with its attempt");
  });

  it("explains every outcome but success", () => {
    const failed = fold([due, event("run.failed")]);
    assert.deepEqual([failed.status, failed.error?.type], ["failed", "HTTP_STATUS"]);
    assert.match(fold([due, event("run.timed_out")]).error?.message ?? "", /timeout of 2000 ms/);
    const revoked = fold([due, event("run.cancelled", { reason: "revoked" })]);
    assert.match(revoked.error?.message ?? "", /stopped before the planned time/);
    assert.deepEqual(revoked.attempts, [], "it never started");
    const { requestedAt: at, requestedBy: by } = catalogue.contracts["run.cancelled"].example;
    const cancelled = fold([due, event("run.cancelled")]);
    assert.match(cancelled.error?.message ?? "", /cancelled on request/);
    assert.deepEqual([cancelled.cancellation, cancelled.attempts.length], [{ at, by }, 1]);
    assert.match(fold([due, event("run.lost")]).error?.message ?? "", /no sign of life/);
  });

  it("has all attempts of a run, whatever order their events arrive in", () => {
    const error = { type: "E", message: "no" };
    const line = { at: "2026-01-05T08:00:01.000Z", level: "info", message: "x" };
    const retryAt = "2026-01-05T08:01:00.000Z";
    const failed = event("run.failed", { error, retryAt, log: [line] });
    const again = { attempt: 2, startedAt: retryAt };
    const startedAgain = event("run.started", again);
    const succeededAgain = event("run.succeeded", {
      ...again,
      endedAt: "2026-01-05T08:01:02.000Z",
      log: [line],
    });
    const waiting = fold([due, failed]);
    assert.deepEqual([waiting.status, waiting.retryAt, isOpen(waiting)], ["retrying", retryAt, true]);
    assert.equal(fold([due, failed, startedAgain]).status, "running");
    assert.equal(fold([due, startedAgain, failed]).status, "running");
    for (const events of [
      [due, failed, startedAgain, succeededAgain],
      [due, startedAgain, succeededAgain, failed],
    ]) {
      const record = fold(events);
      assert.deepEqual([record.status, record.contradictions], ["succeeded", 0]);
      assert.deepEqual(
        record.attempts.map(({ attempt = 1, outcome, error: own }) => [attempt, outcome, own]),
        [
          [1, "failed", error],
          [2, "succeeded", undefined],
        ],
      );
      assert.deepEqual(record.log.map(({ attempt = 1 }) => attempt).sort(), [1, 2]);
    }
    const openUntil = new Date(0);
    assert.deepEqual(fromDocument(toDocument(waiting, { version: 1, openUntil })), waiting);
  });

  it("says why a retry did not come", () => {
    const failed = event("run.failed", { retryAt: "2026-01-05T08:01:00.000Z" });
    const withdrawn = event("run.cancelled", { reason: "revoked", hasStarted: false });
    const record = fold([due, failed, withdrawn]);
    assert.equal(record.status, "cancelled");
    assert.match(record.error?.message ?? "", /waited for its next attempt/);
    assert.equal(record.attempts.length, 1);
  });

  it("counts no contradiction if a run that has not started is cancelled twice", () => {
    const cancelled = event("run.cancelled", { hasStarted: false });
    const record = fold([due, cancelled, event("run.cancelled", { reason: "revoked" })]);
    assert.deepEqual([record.status, record.contradictions, record.attempts], ["cancelled", 0, []]);
    assert.equal(fold([due, succeeded, cancelled]).contradictions, 1);
  });

  it("keeps the newest log lines only", () => {
    const line = { at: "2026-01-05T08:00:01.000Z", level: "info", message: "x" };
    const many = event("run.logged", {
      lines: Array.from({ length: LOG_LINES }, (_, n) => ({ ...line, message: `${n}` })),
    });
    const record = fold([due, many, event("run.logged", { lines: [{ ...line, message: "last" }] })]);
    assert.equal(record.log.length, LOG_LINES);
    assert.deepEqual([record.log[0]?.message, record.log.at(-1)?.message], ["1", "last"]);
  });

  it("folds a dispatch or a skip once", () => {
    assert.equal(isFolded(null, due), false);
    assert.equal(isFolded(fold([started]), due), false);
    assert.equal(isFolded(fold([due]), due), true);
    const skip = event("task.skipped");
    assert.equal(isFolded(fold([skip]), skip), true);
    assert.equal(fold([skip]).status, "skipped");
  });
});

describe("the stored form of a record", () => {
  const stored = { version: 1, openUntil: new Date(0) };
  it("contains the whole record", () => {
    const stories = [
      [due],
      [started],
      [due, started, logged, progressed, succeeded],
      [due, event("run.failed")],
      [due, event("run.lost")],
      [event("task.skipped", { count: 5 })],
    ];
    for (const story of stories) {
      const record = fold(story);
      assert.deepEqual(fromDocument(toDocument(record, stored)), record);
    }
  });

  it("can be read as the Python original wrote it, without a status", () => {
    const { status: _, ...original } = toDocument(fold([due, succeeded]), stored);
    assert.equal(fromDocument(original).status, "succeeded");
  });
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) =>
    permutations(items.filter((_, other) => other !== at)).map((rest) => [item, ...rest]),
  );
}
