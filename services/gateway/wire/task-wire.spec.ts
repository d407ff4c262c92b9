import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkParams } from "../../../shared/contracts/action.ts";
import { schedulerActions, type TaskView } from "../../../shared/contracts/scheduler-actions.ts";
import { datetimeWire } from "./datetime-wire.ts";
import { taskFields } from "./task-fields.ts";
import { showTask, taskSortFields, toDefinition } from "./task-wire.ts";
import { Faults, readFields } from "./wire-validation.ts";

const shanghai = datetimeWire("Asia/Shanghai");
const documented = {
  name: "test",
  group: "demo",
  job_class: "test.main.Test",
  job_params: { name: "kinit", age: 3 },
  exec_strategy: "interval",
  expression: "10 * * * *",
  is_active: true,
  remark: "",
  start_datetime: "2026-01-05 16:00:00",
  end_datetime: null,
};

function define(body: Record<string, unknown>) {
  const values = readFields(taskFields, body);
  assert.ok(!(values instanceof Faults), JSON.stringify(values));
  const definition = toDefinition(values, shanghai);
  checkParams("scheduler.create", schedulerActions["scheduler.create"], definition);
  return definition;
}

describe("toDefinition", () => {
  it("reads the original's documented body", () => {
    assert.deepEqual(define(documented), {
      name: "test",
      group: "demo",
      handler: "test.main.Test",
      params: { name: "kinit", age: 3 },
      strategy: "interval",
      expression: "10 * * * *",
      remark: "",
      startAt: "2026-01-05T08:00:00.000Z",
      endAt: null,
      isActive: true,
    });
  });

  it("needs only what the original needs", () => {
    const definition = define({ name: "a", job_class: "b", exec_strategy: "once", is_active: "0" });
    assert.deepEqual(definition.params, {});
    assert.equal(definition.isActive, false);
    assert.equal(definition.group, null);
  });

  it("passes our own policies on", () => {
    const definition = define({
      ...documented,
      job_params: '{"name": "kinit"}',
      timezone: "Europe/Berlin",
      cron_dialect: "quartz",
      misfire_policy: "skip",
      misfire_grace_ms: "500",
      overlap_policy: "allow",
      timeout_ms: 1000,
    });
    const { params, timezone, cronDialect, misfire, misfireGraceMs, overlap, timeoutMs } = definition;
    assert.deepEqual(
      { params, timezone, cronDialect, misfire, misfireGraceMs, overlap, timeoutMs },
      {
        params: { name: "kinit" },
        timezone: "Europe/Berlin",
        cronDialect: "quartz",
        misfire: "skip",
        misfireGraceMs: 500,
        overlap: "allow",
        timeoutMs: 1000,
      },
    );
  });

  it("leaves policies that are null to the scheduler", () => {
    const definition = define({
      ...documented,
      timezone: null,
      timeout_ms: null,
      overlap_policy: null,
    });
    for (const name of ["timezone", "timeoutMs", "overlap"]) assert.ok(!(name in definition));
  });
});

describe("showTask", () => {
  const view: TaskView = {
    id: "66f2a1b00a1b2c3d4e5f6070",
    name: "测试",
    group: null,
    handler: "test.main.Test",
    params: { name: "凯", age: 3 },
    strategy: "cron",
    expression: "* */1 * * * ?",
    isActive: true,
    remark: null,
    startAt: null,
    endAt: "2026-02-01T00:00:00.000Z",
    timezone: "Asia/Shanghai",
    cronDialect: "kinit",
    misfire: "fire_once",
    misfireGraceMs: 1000,
    overlap: "skip",
    timeoutMs: null,
    retryLimit: 0,
    retryBackoff: "exponential",
    retryDelayMs: 1000,
    retryMaxDelayMs: 3_600_000,
    status: "active",
    createdAt: "2026-01-05T08:00:00.123Z",
    updatedAt: "2026-01-05T08:00:00.123Z",
    lastRunAt: "2026-01-05T08:01:00.000Z",
    nextRunAt: "2026-01-05T08:02:00.000Z",
  };

  it("keeps the original's members and their order, then appends ours", () => {
    assert.equal(
      JSON.stringify(showTask(view, shanghai)),
      JSON.stringify({
        name: "测试",
        group: null,
        job_class: "test.main.Test",
        job_params: '{"name": "\\u51ef", "age": 3}',
        exec_strategy: "cron",
        expression: "* */1 * * * ?",
        is_active: true,
        remark: null,
        start_datetime: null,
        end_datetime: "2026-02-01 08:00:00",
        id: "66f2a1b00a1b2c3d4e5f6070",
        create_datetime: "2026-01-05 16:00:00",
        update_datetime: "2026-01-05 16:00:00",
        last_run_datetime: "2026-01-05 16:01:00",
        next_run_datetime: "2026-01-05 16:02:00",
        status: "active",
        timezone: "Asia/Shanghai",
        cron_dialect: "kinit",
        misfire_policy: "fire_once",
        misfire_grace_ms: 1000,
        overlap_policy: "skip",
        timeout_ms: null,
        retry_limit: 0,
        retry_backoff: "exponential",
        retry_delay_ms: 1000,
        retry_max_delay_ms: 3_600_000,
      }),
    );
  });

  it("shows what can be sent back to replace the task", () => {
    const values = readFields(taskFields, showTask(view, shanghai));
    assert.ok(!(values instanceof Faults));
    const definition = toDefinition(values, shanghai);
    assert.deepEqual(definition.params, view.params);
    assert.equal(definition.endAt, view.endAt);
    assert.equal(definition.isActive, true);
  });

  it("is sorted by any member that it shows", () => {
    const shown = Object.keys(showTask(view, shanghai)).filter((name) => name !== "id");
    assert.deepEqual(Object.keys(taskSortFields).sort(), shown.sort());
  });
});
