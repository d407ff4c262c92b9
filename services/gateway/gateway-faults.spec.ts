import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { ServiceBroker } from "moleculer";
import { AppError } from "../../shared/errors.ts";
import { backendServices, RUN, TASK, taskBody } from "./backend-services.fixture.ts";
import { json, logged, type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

const backend = backendServices();
let gateway: RunningGateway;
const http = (alias: string, init?: RequestInit) => send(gateway, alias, init);

describe("a gateway", () => {
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    backend.calls = [];
    backend.trouble = undefined;
  });

  describe("when the services reject or fail", () => {
    const failing = (type: "TASK_NOT_FOUND" | "RECORD_NOT_FOUND", data: object) => {
      backend.trouble = () => {
        throw new AppError("none", { type, data });
      };
    };

    it("names the task that does not exist", async () => {
      failing("TASK_NOT_FOUND", { taskId: TASK });
      const { status, text } = await http(`POST /scheduler/task/stop/update?data_id=${TASK}`);
      assert.equal(status, 200);
      assert.equal(text, JSON.stringify({ message: `未查询到编号为：${TASK} 的数据！`, code: 404 }));
    });

    it("names the record that does not exist", async () => {
      failing("RECORD_NOT_FOUND", { runId: RUN });
      const { text } = await http(`GET /scheduler/task/record/one/query?data_id=${RUN}`);
      assert.equal(text, JSON.stringify({ message: `未查询到编号为：${RUN} 的数据！`, code: 404 }));
    });

    it("gives the cause of an invalid definition, in the language of the client", async () => {
      const data = { field: "endAt", reason: "WINDOW_REVERSED", expected: ">= startAt" };
      backend.trouble = () => {
        throw new AppError("Invalid endAt", { type: "TRIGGER_INVALID", data });
      };
      const create = async (headers: Record<string, string>) => {
        const { body, headers: own } = json(taskBody);
        const { status, text } = await http("POST /scheduler/task/create", {
          body: body as string,
          headers: { ...(own as Record<string, string>), ...headers },
        });
        assert.equal(status, 200);
        return JSON.parse(text);
      };
      const message = "无效的结束时间：end_datetime 早于 start_datetime，应等于或晚于它";
      const error = { field: "end_datetime", message, expected: ">= start_datetime" };
      assert.deepEqual(await create({}), { message, code: 400, errors: [error] });
      assert.equal((await create({ "accept-language": "fr, zh-CN;q=0.8, en;q=0.7" })).message, message);
      const { message: english } = await create({ "accept-language": "en-GB,en;q=0.9" });
      assert.equal(english, "Invalid end: end_datetime is before start_datetime");
    });

    it("returns when a task may be run again that was run too often", async () => {
      backend.trouble = () => {
        throw new AppError("too often", { type: "RATE_LIMITED", data: { limit: 20, retryAfterMs: 1400 } });
      };
      const { status, headers, text } = await http(`POST /scheduler/task/run/create?data_id=${TASK}`);
      assert.equal(status, 429);
      assert.equal(headers.get("retry-after"), "2");
      assert.equal(
        JSON.parse(text).message,
        "立即执行过于频繁：每个任务每分钟最多 20 次（MANUAL_RUNS_PER_MINUTE），请在 2 秒后重试",
      );
    });

    it("hides an unexpected error, and logs it with the request's id", async () => {
      backend.trouble = () => {
        throw new TypeError("secret internals");
      };
      const { status, text, headers } = await http("GET /scheduler/task/list/query");
      assert.equal(status, 500);
      assert.equal(text, '{"message":"接口异常，请联系管理员！","code":500}');
      const id = headers.get("x-request-id");
      const line = await logged(gateway, (entry) => entry.requestId === id && "err" in entry);
      assert.match(JSON.stringify(line.err), /secret internals/);
    });

    it("names the service that does not respond", async () => {
      const own = await runGateway({ services: backend.schemas, config: { callTimeoutMs: 50 } });
      const late = Promise.withResolvers<void>();
      backend.trouble = () => late.promise;
      const response = await fetch(`${own.origin}/scheduler/task/list/query`);
      assert.equal(response.status, 503);
      assert.match(await response.text(), /服务 scheduler 未在规定时间内响应/);
      late.resolve();
      await own.stop();
    });

    it("serves many at once, each with its own response", async () => {
      const many = Array.from({ length: 200 }, (_, page) =>
        http(`GET /scheduler/task/list/query?page=${page + 1}`),
      );
      const pages = (await Promise.all(many)).map(({ text }) => JSON.parse(text).page);
      assert.deepEqual(
        pages,
        pages.map((_, index) => index + 1),
      );
    });
  });
});

describe("a gateway apart from the services", () => {
  it("recognises their errors by type across nodes", async () => {
    const transporter = "Fake";
    const remote = new ServiceBroker({ nodeID: "remote", logger: false, transporter });
    remote.createService({
      name: "scheduler",
      actions: {
        get() {
          throw new AppError("gone", { type: "TASK_NOT_FOUND", data: { taskId: TASK } });
        },
      },
    });
    const own = await runGateway({ services: [], transporter });
    await remote.start();
    await own.broker.waitForServices("scheduler", 5000);
    const response = await fetch(`${own.origin}/scheduler/task/one/query?data_id=${TASK}`);
    assert.equal(
      await response.text(),
      JSON.stringify({ message: `未查询到编号为：${TASK} 的数据！`, code: 404 }),
    );
    await own.stop();
    await remote.stop();
  });
});
