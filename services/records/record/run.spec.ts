import { describe, it } from "node:test";
import { given } from "../../../test/given.ts";
import { type RunCommand, run } from "./run.ts";
import { exampleRun } from "./run-events.fixture.ts";

const at = Date.parse("2026-01-05T08:00:00.000Z");
const lostAt = "2026-01-05T09:00:00.000Z";
const declareLost: RunCommand = {
  type: "declareLost",
  reason: "no event for an hour",
  now: Date.parse(lostAt),
};
const record = (event: Extract<RunCommand, { type: "record" }>["event"]): RunCommand => ({
  type: "record",
  event,
});

describe("a run", () => {
  it("is recorded with its first event, of its task or its own", () => {
    for (const event of [exampleRun({ at }).due(), exampleRun({ at }).started()])
      given(run)().when(record(event)).then(event);
  });

  it("is dispatched once: a repeated dispatch changes nothing", () => {
    const { due } = exampleRun({ at });
    given(run)(due()).when(record(due())).thenNothing();
  });

  it("records a second outcome, which its record counts", () => {
    const { due, lost, succeeded } = exampleRun({ at });
    const late = succeeded();
    given(run)(due(), lost()).when(record(late)).then(late);
  });

  it("is lost as of the attempt that was seen last", () => {
    const { runId, taskId, due, started } = exampleRun({ at });
    const plannedAt = new Date(at).toISOString();
    given(run)(due(), started())
      .when(declareLost)
      .then({
        type: "run.lost",
        data: { runId, taskId, attempt: 1, plannedAt, lostAt, reason: "no event for an hour" },
      });
  });

  it("is cancelled on request if no executor has it, and ends once", () => {
    const { runId, taskId, due, succeeded } = exampleRun({ at });
    const plannedAt = new Date(at).toISOString();
    const cancellation = { at: lostAt, by: "admin" };
    const cancel: RunCommand = { type: "cancel", cancellation, node: "records-1", now: Date.parse(lostAt) };
    const cancelled = {
      type: "run.cancelled",
      data: {
        runId,
        taskId,
        attempt: 1,
        delivery: 1,
        executor: "records-1",
        plannedAt,
        startedAt: lostAt,
        endedAt: lostAt,
        reason: "requested",
        hasStarted: false,
        requestedAt: lostAt,
        requestedBy: "admin",
      },
    } as const;
    given(run)(due()).when(cancel).then(cancelled);
    given(run)(due(), cancelled).when(cancel).thenNothing();
    given(run)(due(), succeeded()).when(cancel).thenNothing();
    given(run)().when(cancel).thenNothing();
  });

  it("is not lost if it has an outcome, or is unknown", () => {
    const { due, succeeded, lost } = exampleRun({ at });
    given(run)(due(), succeeded()).when(declareLost).thenNothing();
    given(run)(due(), lost()).when(declareLost).thenNothing();
    given(run)().when(declareLost).thenNothing();
  });
});
