import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readConfig } from "../../shared/config.ts";
import { backendServices, TASK, taskBody } from "./backend-services.fixture.ts";
import { json, logged, type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

const { schemas: services } = backendServices();

async function configured(
  environment: Readonly<Record<string, string>>,
  test: (gateway: RunningGateway) => Promise<void>,
): Promise<void> {
  const { serverPort: _, serverHost: __, ...config } = readConfig({ AUTH_ENABLE: "false", ...environment });
  const gateway = await runGateway({ services, config });
  try {
    await test(gateway);
  } finally {
    await gateway.stop();
  }
}
const create = "POST /scheduler/task/create";
const remove = `POST /scheduler/task/delete?data_id=${TASK}`;

describe("DEMO_ENV", () => {
  const demo = {
    DEMO_ENV: "true",
    DEMO_WHITE_LIST_PATH: "/scheduler/task/create,/scheduler/task/delete",
    DEMO_BLACK_LIST_PATH: "/scheduler/task/delete",
  };
  const rejected = '{"code":400,"message":"演示环境，禁止操作","data":null}';

  it("rejects changes in the original's words, and leaves reading open", () =>
    configured({ DEMO_ENV: "true" }, async (gateway) => {
      for (const alias of [create, remove, "PUT /scheduler/task/create", "DELETE /unknown"]) {
        const { status, text } = await send(gateway, alias, json(taskBody));
        assert.deepEqual([status, text], [200, rejected], alias);
      }
      assert.match((await send(gateway, "GET /scheduler/task/list/query")).text, /"code":200/);
      assert.equal((await send(gateway, "GET /health")).status, 200);
    }));

  it("leaves the white list open, except what is on the black list too", () =>
    configured(demo, async (gateway) => {
      assert.match((await send(gateway, create, json(taskBody))).text, /任务添加成功/);
      assert.equal((await send(gateway, remove)).text, rejected);
    }));

  it("explains itself in English to clients that prefer it", () =>
    configured(demo, async (gateway) => {
      const { text } = await send(gateway, remove, { headers: { "accept-language": "en" } });
      assert.match(text, /This is a demonstration/);
    }));
});

describe("APPS", () => {
  it("serves the selected groups and the platform's own routes alone", () =>
    configured({ APPS: "scheduler_task_record,bilibili_hot_new" }, async (gateway) => {
      const statusOf = async (alias: string) => (await send(gateway, alias)).status;
      assert.equal(await statusOf("GET /scheduler/task/record/list/query"), 200);
      assert.equal(await statusOf("GET /bilibili/hot/new/list/query"), 200);
      assert.equal(await statusOf("GET /health"), 200);
      assert.equal(await statusOf("GET /scheduler/task/list/query"), 404);
      assert.equal(await statusOf(create), 404);
      assert.equal(await statusOf("GET /system/record/operation/list/query"), 404);
    }));

  it("documents the selected groups in their order", () =>
    configured({ APPS: "scheduler_task_record,scheduler_task" }, async (gateway) => {
      const { tags } = JSON.parse((await send(gateway, "GET /openapi.json")).text);
      assert.deepEqual(
        tags.map(({ name }: { name: string }) => name),
        ["调度任务执行记录管理", "通用调度任务管理", "平台"],
      );
    }));

  it("needs only the services of the selected groups to be ready", async () => {
    const records = services.filter(({ name }) => name === "records");
    const { apps } = readConfig({ APPS: '["scheduler_task_record"]' });
    const gateway = await runGateway({ services: records, config: { apps, taskEnable: false } });
    try {
      assert.equal((await send(gateway, "GET /ready")).status, 200);
    } finally {
      await gateway.stop();
    }
  });

  it("rejects unknown names", () => {
    assert.throws(
      () => readConfig({ APPS: "scheduler_task,typo" }),
      /APPS must be names separated by commas/,
    );
  });
});

describe("REQUEST_LOG_RECORD", () => {
  it("writes a line for each request", () =>
    configured({}, async (gateway) => {
      const { headers } = await send(gateway, "GET /health");
      assert.match(headers.get("x-process-time") ?? "", /^\d+ms$/);
      await logged(gateway, ({ msg, route }) => msg === "request" && route === "/health");
    }));

  it("switched off, writes none, and keeps the header X-Process-Time", () =>
    configured({ REQUEST_LOG_RECORD: "false" }, async (gateway) => {
      const { headers } = await send(gateway, "GET /health");
      assert.match(headers.get("x-process-time") ?? "", /^\d+ms$/);
      await gateway.stop();
      assert.ok(!gateway.lines().some(({ msg }) => msg === "request"));
    }));
});
