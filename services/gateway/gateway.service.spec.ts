import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { backendServices, RUN, TASK, taskBody } from "./backend-services.fixture.ts";
import { json, type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

const backend = backendServices();
let gateway: RunningGateway;
const http = (alias: string, init?: RequestInit) => send(gateway, alias, init);
const ok = (data: unknown) => JSON.stringify({ code: 200, message: "success", data });

describe("gateway", () => {
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    backend.calls = [];
    backend.trouble = undefined;
  });

  describe("tasks", () => {
    it("creates one: the text in message, no data, and where it is", async () => {
      const { status, text, headers } = await http("POST /scheduler/task/create", json(taskBody));
      assert.equal(status, 200);
      assert.equal(text, '{"code":200,"message":"任务添加成功","data":null}');
      assert.equal(headers.get("content-type"), "application/json");
      assert.equal(headers.get("location"), `/scheduler/task/one/query?data_id=${TASK}`);
      const [[, params] = []] = backend.calls;
      assert.equal((params as { strategy: string }).strategy, "interval");
    });

    it("accepts JSON without a content type, as the original does", async () => {
      const bytes = new TextEncoder().encode(JSON.stringify(taskBody));
      const { text } = await http("POST /scheduler/task/create", { body: bytes });
      assert.match(text, /任务添加成功/);
    });

    it("replaces one", async () => {
      const { text } = await http("POST /scheduler/task/update", json({ data_id: TASK, data: taskBody }));
      assert.equal(text, '{"code":200,"message":"任务更新成功","data":null}');
      assert.equal((backend.calls[0]?.[1] as { taskId: string }).taskId, TASK);
    });

    for (const [alias, action, data] of [
      ["POST /scheduler/task/stop/update", "pause", "任务暂停成功"],
      ["PUT /scheduler/task/stop/task/update", "pause", "任务暂停成功"],
      ["POST /scheduler/task/start/update", "resume", "该任务已处于运行状态"],
      ["PUT /scheduler/task/start/task/update", "resume", "该任务已处于运行状态"],
      ["POST /scheduler/task/delete", "delete", "任务删除成功"],
      ["POST /scheduler/task/run/create", "runNow", RUN],
    ] as const) {
      it(`${alias} returns its text in data`, async () => {
        const { text } = await http(`${alias}?data_id=${TASK}`);
        assert.equal(text, ok(data));
        assert.deepEqual(backend.calls, [[action, { taskId: TASK }]]);
      });
    }

    it("lists them with total, page and limit", async () => {
      const { text } = await http(
        "GET /scheduler/task/list/query?page=2&limit=20&v_order=desc&v_order_field=name",
      );
      const { data, ...rest } = JSON.parse(text);
      assert.deepEqual(Object.keys(JSON.parse(text)), ["code", "message", "data", "total", "page", "limit"]);
      assert.deepEqual(rest, { code: 200, message: "success", total: 21, page: 2, limit: 20 });
      assert.equal(data[0].create_datetime, "2026-01-05 16:00:00");
      assert.deepEqual(backend.calls, [["list", { page: 2, limit: 20, orderField: "name", order: "desc" }]]);
    });

    it("shows one without paging", async () => {
      const { text } = await http(`GET /scheduler/task/one/query?data_id=${TASK}`);
      assert.deepEqual(Object.keys(JSON.parse(text)), ["code", "message", "data"]);
      assert.equal(JSON.parse(text).data.job_params, '{"name": "kinit", "age": 3}');
    });

    it("lists the handlers that tasks may name", async () => {
      const { text } = await http("GET /scheduler/task/handler/list/query");
      assert.deepEqual(JSON.parse(text).data, [
        { name: "test.main.Test", title: "Test", params: { name: "string" }, timeout_ms: 5000 },
      ]);
    });
  });

  describe("records and rows", () => {
    it("lists records, or those of one task", async () => {
      const { text } = await http(`GET /scheduler/task/record/list/query?task_id=${TASK}&limit=0`);
      assert.equal(JSON.parse(text).data[0].retval, '"\\u4efb\\u52a1\\u6267\\u884c\\u5b8c\\u6210"');
      assert.deepEqual(backend.calls, [["records.list", { page: 1, limit: 0, taskId: TASK }]]);
    });

    it("shows one record", async () => {
      const { text } = await http(`GET /scheduler/task/record/one/query?data_id=${RUN}`);
      assert.equal(JSON.parse(text).data.id, RUN);
    });

    it("lists operations in the original's form, with filters and the newest first", async () => {
      const query =
        "page=2&limit=5&v_order=asc&v_order_field=summary&actor=admin&request_method=post&api_path=/x&status_code=200&client_ip=192.0.2.7&start_datetime=2026-01-05%2000:00:00&end_datetime=2026-01-06%2000:00:00";
      const { text } = await http(`GET /system/record/operation/list/query?${query}`);
      assert.equal(
        text,
        `{"code":200,"message":"success","data":[{"status_code":200,"client_ip":"192.0.2.7","request_method":"POST","api_path":"/scheduler/task/create","system":"Other","browser":"curl 8.5.0","summary":"创建任务，添加任务","route_name":"create","description":null,"tags":["通用调度任务管理"],"process_time":0.0125,"params":"{\\"body_params\\": \\"{\\\\\\"name\\\\\\":\\\\\\"\\\\u4efb\\\\u52a1\\\\\\"}\\", \\"query_params\\": null, \\"path_params\\": null}","id":"${RUN}","create_datetime":"2026-01-05 16:00:00","update_datetime":"2026-01-05 16:00:00","actor":"admin","code":200,"request_id":"r-1"}],"total":1,"page":2,"limit":5}`,
      );
      assert.deepEqual(backend.calls, [
        [
          "records.operations",
          {
            page: 2,
            limit: 5,
            actor: "admin",
            address: "192.0.2.7",
            path: "/x",
            method: "POST",
            status: 200,
            from: "2026-01-04T16:00:00.000Z",
            before: "2026-01-05T16:00:00.000Z",
          },
        ],
      ]);
    });

    it("lists operations in English for clients that prefer it", async () => {
      const headers = { "accept-language": "en" };
      const { text } = await http("GET /system/record/operation/list/query", { headers });
      assert.partialDeepStrictEqual(JSON.parse(text).data[0], { summary: "Create a task", tags: ["Tasks"] });
    });

    it("rejects filters of a wrong kind", async () => {
      const { text } = await http(
        "GET /system/record/operation/list/query?status_code=x&start_datetime=2026",
      );
      const { message, code, errors } = JSON.parse(text);
      assert.equal(code, 400);
      assert.equal(message, "Input should be a valid integer, unable to parse string as an integer");
      assert.deepEqual(
        errors.map(({ field }: { field: string }) => field),
        ["status_code", "start_datetime"],
      );
    });

    it("creates the crawl of the hot list: success and null", async () => {
      const { text, headers } = await http("POST /bilibili/hot/new/task/create");
      assert.equal(text, ok(null));
      assert.equal(headers.get("location"), `/scheduler/task/one/query?data_id=${TASK}`);
      const { name, group, strategy } = backend.calls[0]?.[1] as Record<string, unknown>;
      assert.deepEqual(
        { name, group, strategy },
        { name: "获取 bilibili 热搜数据", group: "热搜", strategy: "once" },
      );
    });

    it("lists crawled rows", async () => {
      const { text } = await http("GET /bilibili/hot/new/list/query");
      assert.deepEqual(JSON.parse(text).data, [
        {
          title: "t",
          heat: "1",
          link: "l",
          id: RUN,
          create_datetime: "2026-01-05 16:00:00",
          rank: 1,
          crawl_id: TASK,
        },
      ]);
    });
  });
});
