import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { eventually } from "../test/eventually.ts";
import { freePort } from "../test/free-port.ts";
import { startTestMongo, type TestMongo } from "../test/mongo.ts";
import { type Platform, startPlatform } from "../test/platform.ts";
import { startHealth } from "./process-health.ts";
import { serviceNames } from "./service-names.ts";

describe("the health port of a process", () => {
  let mongo: TestMongo;
  let platform: Platform;
  let base: string;
  const get = async (path: string) => {
    const response = await fetch(base + path);
    return { status: response.status, text: await response.text() };
  };
  /** Sum of the samples of a metric that have all these labels. */
  const sample = async (name: string, ...labels: readonly string[]): Promise<number | undefined> => {
    const { text } = await get("/metrics");
    const values = text
      .split("\n")
      .filter((line) => line.split(/[ {]/, 1)[0] === name && labels.every((label) => line.includes(label)))
      .map((line) => Number(line.slice(line.lastIndexOf(" "))));
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
  };

  before(async () => {
    mongo = await startTestMongo();
    const port = String(await freePort());
    base = `http://127.0.0.1:${port}`;
    const settings = { HEALTH_PORT: port, SERVER_PORT: "0", SCHEDULER_LEASE_MS: "500" };
    platform = await startPlatform({ mongo, settings, services: serviceNames });
  });
  after(async () => {
    await platform.stop();
    await mongo.close();
  });

  it("is alive, and ready with its stores and its bus", async () => {
    assert.equal((await get("/health")).status, 200);
    const { status, text } = await get("/ready");
    assert.equal(status, 200, text);
    const checks = JSON.parse(text).checks as readonly { name: string; ok: boolean }[];
    const names = ["services", "bus", "MongoDB of scheduler", "MongoDB of records", "MongoDB of crawler"];
    for (const name of names)
      assert.ok(
        checks.some((check) => check.name === name && check.ok),
        name,
      );
    assert.equal((await get("/other")).status, 404);
  });

  it("counts runs, skips, events, transactions and requests, and shows levels", async () => {
    const taskId = await platform.create({ handler: "test.main.Test", params: { name: "kinit", age: 3 } });
    await platform.recordsWhen(taskId, (records) => records.some(({ status }) => status === "succeeded"));
    await eventually(async () => (await sample("kinit_occurrences_skipped_total", 'reason="overlap"')) ?? 0);
    await fetch(`${platform.address}/scheduler/task/list/query?limit=1`);
    await fetch(`${platform.address}/unknown/path`);
    const positive: readonly [name: string, ...labels: readonly string[]][] = [
      ["kinit_runs_total", 'handler="test.main.Test"', 'outcome="succeeded"'],
      ["kinit_run_lateness_seconds_count"],
      ["kinit_run_duration_seconds_sum", 'handler="test.main.Test"'],
      ["kinit_events_sent_total", 'type="task.due"'],
      ["kinit_events_sent_total", 'type="run.succeeded"'],
      ["kinit_store_transaction_seconds_count", 'service="scheduler"', 'outcome="committed"'],
      ["kinit_store_transaction_seconds_count", 'service="records"', 'outcome="committed"'],
      ["kinit_http_request_seconds_count", 'route="/scheduler/task/list/query"', 'status="200"'],
      ["kinit_http_request_seconds_count", 'route="none"', 'status="404"'],
      ["kinit_executor_slots"],
      ["kinit_scheduler_leader"],
      ["nodejs_eventloop_lag_p99_seconds"],
    ];
    for (const [name, ...labels] of positive)
      await eventually(async () => ((await sample(name, ...labels)) ?? 0) > 0);
    const present: readonly [name: string, ...labels: readonly string[]][] = [
      ["kinit_bus_waiting_events", 'group="executor"', 'pattern="task.due"'],
      ["kinit_bus_in_flight_events", 'group="records"', 'pattern="run.*"'],
      ["kinit_bus_oldest_event_seconds", 'group="scheduler"'],
      ["kinit_outbox_pending_events", 'service="scheduler"'],
      ["kinit_outbox_oldest_event_seconds", 'service="records"'],
      ["kinit_scheduler_stuck_tasks"],
      ["kinit_executor_running_runs"],
    ];
    for (const [name, ...labels] of present) assert.notEqual(await sample(name, ...labels), undefined, name);
  });

  it("is not ready while a check fails, or before and after the services run", async (test) => {
    const health = await startHealth({ healthHost: "127.0.0.1", healthPort: await freePort() });
    test.after(() => health.close());
    const own = health.address;
    const status = async () => (await fetch(`${own}/ready`)).status;
    assert.equal(await status(), 503);
    health.enter("running");
    assert.equal(await status(), 200);
    let isThere = false;
    health.monitoring.addCheck("store", async () => assert.ok(isThere, "the store is not there"));
    const response = await fetch(`${own}/ready`);
    assert.equal(response.status, 503);
    assert.match(await response.text(), /the store is not there/);
    isThere = true;
    assert.equal(await status(), 200);
    health.enter("stopping");
    assert.equal(await status(), 503);
  });

  it("rejects an address that is in use", async (test) => {
    const healthPort = await freePort();
    const other = createServer().listen(healthPort, "127.0.0.1");
    test.after(() => other.close());
    await new Promise((listening) => other.once("listening", listening));
    await assert.rejects(startHealth({ healthHost: "127.0.0.1", healthPort }), {
      type: "HEALTH_ADDRESS_UNAVAILABLE",
    });
  });

  it("is closed by default", async () => {
    const health = await startHealth({ healthHost: "127.0.0.1", healthPort: 0 });
    assert.equal(health.address, null);
    await health.close();
  });
});
