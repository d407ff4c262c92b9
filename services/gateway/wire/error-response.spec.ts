import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Errors } from "moleculer";
import { AppError } from "../../../shared/errors.ts";
import { errorResponse } from "./error-response.ts";
import { InvalidInput } from "./wire-validation.ts";

const ours = (type: string, code: number, data?: unknown) =>
  AppError.restored({ type, message: "the text", code, data });

describe("errorResponse", () => {
  const rows: readonly [name: string, error: unknown, status: number, body: object][] = [
    ["TASK_ACTIVE", ours("TASK_ACTIVE", 400), 200, { message: "请暂停任务后再删除！", code: 400 }],
    [
      "TASK_DISABLED",
      ours("TASK_DISABLED", 400),
      200,
      {
        message: "项目配置中未开启定时任务引擎：kinit_fast_task/config.py:TaskSettings.TASK_ENABLE",
        code: 400,
      },
    ],
    [
      "STREAM_CONFLICT",
      ours("STREAM_CONFLICT", 409),
      200,
      { message: "数据已被其他操作修改，请重试", code: 409 },
    ],
    [
      "TRIGGER_INVALID",
      ours("TRIGGER_INVALID", 400, { field: "timezone", expected: "Asia/Shanghai" }),
      200,
      {
        message: "the text",
        code: 400,
        errors: [{ field: "timezone", message: "the text", expected: "Asia/Shanghai" }],
      },
    ],
    [
      "HANDLER_UNKNOWN",
      ours("HANDLER_UNKNOWN", 400, { handler: "c", handlers: ["a", "b"] }),
      200,
      {
        message: "未找到该模块：c；可用：a, b",
        code: 400,
        errors: [{ field: "job_class", message: "未找到该模块：c；可用：a, b", expected: "a | b" }],
      },
    ],
    [
      "HANDLER_PARAMS_INVALID",
      ours("HANDLER_PARAMS_INVALID", 400, { field: "params.age", expected: "a number" }),
      200,
      {
        message: "the text",
        code: 400,
        errors: [{ field: "job_params.age", message: "the text", expected: "a number" }],
      },
    ],
    ["another rejection", ours("SOMETHING", 404), 200, { message: "the text", code: 404 }],
    [
      "a broker's own check, without value and node",
      new Errors.ValidationError("Parameters validation error!", "VALIDATION_ERROR", [
        {
          field: "handler",
          message: "The 'handler' is too long",
          expected: 255,
          actual: "hunter2",
          nodeID: "n1",
        },
      ] as never),
      200,
      {
        message: "The 'handler' is too long",
        code: 400,
        errors: [{ field: "handler", message: "The 'handler' is too long", expected: "255" }],
      },
    ],
    [
      "a service that is not there",
      new Errors.ServiceNotFoundError({ action: "executor.validate" }),
      503,
      { message: "服务 executor 当前不可用，请稍后重试", code: 503 },
    ],
    [
      "a scheduler between two leaders",
      ours("SCHEDULER_NO_LEADER", 503),
      503,
      { message: "服务 scheduler 当前没有活动节点，请稍后重试", code: 503 },
    ],
    [
      "a service that does not response",
      new Errors.RequestTimeoutError({ action: "records.list", nodeID: "n1" }),
      503,
      { message: "服务 records 未在规定时间内响应，请稍后重试", code: 503 },
    ],
    [
      "a store that is away",
      Object.assign(new Error("10.0.0.1:27017 refused"), { name: "MongoServerSelectionError" }),
      503,
      { message: "存储当前不可用，请稍后重试", code: 503 },
    ],
    [
      "a fault that may pass",
      ours("OUTBOX_FULL", 503),
      503,
      { message: "服务当前不可用，请稍后重试", code: 503 },
    ],
  ];
  for (const [name, error, status, body] of rows) {
    it(`responds to ${name}`, () => {
      const response = errorResponse(error, "zh");
      assert.equal(response?.status, status);
      assert.equal(JSON.stringify(response?.body), JSON.stringify(body));
    });
  }

  it("repeats the body of an invalid request with secrets masked", () => {
    const errors = [{ field: "name", message: "Field required", expected: "string" }];
    const response = errorResponse(
      new InvalidInput(errors, { job_params: { password: "hunter2" }, a: 1 }),
      "zh",
    );
    assert.equal(
      JSON.stringify(response?.body),
      JSON.stringify({
        message: "Field required",
        body: { job_params: { password: "***" }, a: 1 },
        code: 400,
        errors,
      }),
    );
  });

  it("has no response to other errors", () => {
    for (const error of [new TypeError("x is not a function"), "text", null, ours("BROKEN", 500)]) {
      assert.equal(errorResponse(error, "zh"), undefined);
    }
  });
});
