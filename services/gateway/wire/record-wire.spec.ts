import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { handlerUnknownText } from "../../../shared/contracts/handler-faults.ts";
import type { RecordView } from "../../../shared/contracts/records-actions.ts";
import { datetimeWire } from "./datetime-wire.ts";
import { showRecord } from "./record-wire.ts";

const display = { datetimes: datetimeWire("Asia/Shanghai"), language: "zh" } as const;
const succeeded: RecordView = {
  id: "66f2a1c00a1b2c3d4e5f6071",
  taskId: "66f2a1b00a1b2c3d4e5f6070",
  status: "succeeded",
  plannedAt: "2026-01-05T08:00:10.000Z",
  startedAt: "2026-01-05T08:00:10.004Z",
  endedAt: "2026-01-05T08:00:12.010Z",
  processTime: 2.01,
  result: "任务执行完成",
  error: null,
  skip: null,
  name: "greet",
  group: "demo",
  handler: "test.main.Test",
  params: { name: "kinit", age: 3 },
  strategy: "interval",
  expression: "10 * * * *",
  retryAt: null,
  cancellation: null,
  attempts: [
    {
      number: 1,
      executor: "node-1",
      startedAt: "2026-01-05T08:00:10.004Z",
      endedAt: "2026-01-05T08:00:12.010Z",
      outcome: "succeeded",
      error: null,
    },
  ],
  progress: null,
  log: [{ at: "2026-01-05T08:00:11.000Z", level: "info", message: "hello" }],
  createdAt: "2026-01-05T08:00:10.000Z",
  updatedAt: "2026-01-05T08:00:12.010Z",
};

describe("showRecord", () => {
  it("keeps the original's members and their order, then appends ours", () => {
    assert.equal(
      JSON.stringify(showRecord(succeeded, display)),
      JSON.stringify({
        task_id: "66f2a1b00a1b2c3d4e5f6070",
        start_datetime: "2026-01-05 16:00:10",
        end_datetime: "2026-01-05 16:00:12",
        process_time: 2.01,
        retval: '"\\u4efb\\u52a1\\u6267\\u884c\\u5b8c\\u6210"',
        exception: "null",
        traceback: "null",
        name: "greet",
        group: "demo",
        job_class: "test.main.Test",
        job_params: '{"name": "kinit", "age": 3}',
        exec_strategy: "interval",
        expression: "10 * * * *",
        id: "66f2a1c00a1b2c3d4e5f6071",
        create_datetime: "2026-01-05 16:00:10",
        update_datetime: "2026-01-05 16:00:12",
        status: "succeeded",
        started_datetime: "2026-01-05 16:00:10",
        skip: null,
        error_type: null,
        attempts: [
          {
            number: 1,
            executor: "node-1",
            started_datetime: "2026-01-05 16:00:10",
            ended_datetime: "2026-01-05 16:00:12",
            outcome: "succeeded",
            error: null,
          },
        ],
        retry_datetime: null,
        cancelled_datetime: null,
        cancelled_by: null,
        progress: null,
        log: [{ datetime: "2026-01-05 16:00:11", level: "info", message: "hello", attempt: 1 }],
      }),
    );
  });

  const error = { type: "HTTP_STATUS", message: "GET answered 503", stack: "AppError: 坏\n    at x" };
  const skip = { reason: "overlap", count: 1, lastPlannedAt: succeeded.plannedAt };
  const rows: readonly [name: string, Partial<RecordView>, [unknown, unknown, unknown]][] = [
    ["a result of nothing", { result: undefined }, ["null", "null", "null"]],
    ["an object as result", { result: { 数: [1.5, null] } }, ['{"\\u6570": [1.5, null]}', "null", "null"]],
    [
      "a failure",
      { status: "failed", error },
      ["null", '"GET answered 503"', '"AppError: \\u574f\\n    at x"'],
    ],
    [
      "a failure without stack",
      { status: "lost", error: { ...error, stack: null } },
      ["null", '"GET answered 503"', "null"],
    ],
    ["a time-out without error", { status: "timed_out" }, ["null", JSON.stringify("任务执行超时"), "null"]],
    ["a run that has not ended", { status: "running", endedAt: null, processTime: null }, [null, null, null]],
    [
      "a skip",
      { status: "skipped", skip },
      ["null", JSON.stringify("任务未执行：上一次执行尚未结束（overlap）"), "null"],
    ],
    [
      "a row of skips",
      { status: "skipped", skip: { ...skip, reason: "misfire", count: 3 } },
      [
        "null",
        JSON.stringify(
          "任务未执行：已错过计划时间并超出容许时间（misfire），共 3 次，最后一次计划时间：2026-01-05 16:00:10",
        ),
        "null",
      ],
    ],
  ];
  for (const [name, part, [retval, exception, traceback]] of rows) {
    it(`shows the outcome of ${name} in retval, exception and traceback`, () => {
      const shown = showRecord({ ...succeeded, ...part }, display);
      assert.equal(shown.retval, retval);
      assert.equal(
        typeof shown.exception === "string" ? JSON.parse(shown.exception) : shown.exception,
        typeof exception === "string" ? JSON.parse(exception) : exception,
      );
      assert.equal(shown.traceback, traceback);
    });
  }

  it("has the original's word for a task that is not listed", () => {
    const shown = showRecord({ ...succeeded, name: null, group: null, params: null, handler: null }, display);
    const { name, group, job_params, job_class } = shown;
    assert.deepEqual(
      { name, group, job_params, job_class },
      { name: "null", group: "null", job_params: null, job_class: null },
    );
  });

  describe("in the language of the client", () => {
    const failed = { ...succeeded, status: "failed" as const, result: null, handler: "demo.main.Greeting" };
    const exception = (record: RecordView, language: "zh" | "en") =>
      JSON.parse(String(showRecord(record, { ...display, language }).exception));

    it("names a handler that no executor had", () => {
      const message = handlerUnknownText("demo.main.Greeting", ["demo.main.Greet"]);
      const record = { ...failed, error: { type: "HANDLER_UNKNOWN", message, stack: null } };
      assert.equal(exception(record, "zh"), "未找到该模块下的方法：Greeting；可用：demo.main.Greet");
      assert.equal(exception(record, "en"), "The module has no Greeting; available: demo.main.Greet");
      const stored = { ...record.error, message: "未找到该模块：demo；可用：a" };
      assert.equal(exception({ ...record, error: stored }, "en"), stored.message);
    });

    it("explains skips and ends without an error", () => {
      const skip = { reason: "overlap", count: 1, lastPlannedAt: succeeded.plannedAt };
      const skipped = { ...failed, status: "skipped" as const, error: null, skip };
      assert.equal(exception(skipped, "zh"), "任务未执行：上一次执行尚未结束（overlap）");
      assert.equal(exception(skipped, "en"), "Not run: the previous run has not ended (overlap)");
      assert.equal(exception({ ...failed, error: null }, "en"), "The run failed");
    });
  });
});
