import assert from "node:assert/strict";
import { type IncomingHttpHeaders, request } from "node:http";
import { after, before, beforeEach, describe, it } from "node:test";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import type { RecordView } from "../../shared/contracts/records-actions.ts";
import { recordsActions } from "../../shared/contracts/records-actions.ts";
import { schedulerActions, type TaskView } from "../../shared/contracts/scheduler-actions.ts";
import { AppError } from "../../shared/errors.ts";
import { answers } from "../../shared/service.ts";
import { type RunningGateway, runGateway } from "./gateway.fixture.ts";

const TASK = schedulerActions["scheduler.get"].example.taskId;
const RUN = recordsActions["records.get"].example.runId;
const at = "2026-01-05T08:00:00.000Z";
const task: TaskView = {
  ...schedulerActions["scheduler.create"].example,
  id: TASK,
  timezone: "Asia/Shanghai",
  cronDialect: "kinit",
  misfire: "fire_once",
  misfireGraceMs: 1000,
  overlap: "skip",
  timeoutMs: null,
  status: "active",
  createdAt: at,
  updatedAt: at,
  lastRunAt: null,
  nextRunAt: at,
};
const record: RecordView = {
  id: RUN,
  taskId: TASK,
  status: "succeeded",
  plannedAt: at,
  startedAt: at,
  endedAt: at,
  processTime: 0.5,
  result: "任务执行完成",
  error: null,
  skip: null,
  name: "greet",
  group: "demo",
  handler: "test.main.Test",
  params: { name: "kinit", age: 3 },
  strategy: "interval",
  expression: "10 * * * *",
  attempts: [],
  progress: null,
  log: [],
  createdAt: at,
  updatedAt: at,
};

/** Calls that reached the services behind, as name and params. */
let calls: [string, unknown][] = [];
/** What the next call meets: an error, or a wait. */
let trouble: (() => void | Promise<void>) | undefined;
const answered =
  <P, R>(name: string, result: R) =>
  async (params: P): Promise<R> => {
    calls.push([name, params]);
    await trouble?.();
    return result;
  };

/** The services behind, reduced to what their contracts promise. */
const behind: readonly ServiceSchema[] = [
  {
    name: "scheduler",
    actions: answers<"scheduler">("scheduler", {
      create: answered("create", { id: TASK }),
      change: answered("change", null),
      stop: answered("stop", { changed: true }),
      start: answered("start", { changed: false }),
      remove: answered("remove", null),
      run: answered("run", { runId: RUN }),
      get: answered("get", task),
      list: answered("list", { items: [task], total: 21 }),
      status: () => ({ active: true, leader: "node-1" }),
    }),
  },
  {
    name: "records",
    actions: answers<"records">("records", {
      list: answered("records.list", { items: [record], total: 1 }),
      get: answered("records.get", record),
    }),
  },
  {
    name: "executor",
    actions: answers<"executor">("executor", {
      handlers: answered("handlers", [
        { name: "test.main.Test", title: "Test", params: { name: "string" }, timeoutMs: 5000 },
      ]),
    }),
  },
  {
    name: "crawler",
    actions: answers<"crawler">("crawler", {
      list: answered("crawler.list", {
        items: [{ id: RUN, crawlId: TASK, rank: 1, title: "t", heat: "1", link: "l", crawledAt: at }],
        total: 1,
      }),
    }),
  },
];

const body = {
  name: "test",
  job_class: "test.main.Test",
  job_params: { name: "kinit", age: 3 },
  exec_strategy: "interval",
  expression: "10 * * * *",
  is_active: true,
};

let gateway: RunningGateway;
const http = async (alias: string, init: RequestInit = {}) => {
  const [method, path] = alias.split(" ") as [string, string];
  const response = await fetch(gateway.origin + path, { method, redirect: "manual", ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
};
const json = (value: unknown): RequestInit => ({
  body: typeof value === "string" ? value : JSON.stringify(value),
  headers: { "content-type": "application/json" },
});
const ok = (data: unknown) => JSON.stringify({ code: 200, message: "success", data });

describe("gateway", () => {
  before(async () => {
    gateway = await runGateway({ services: behind });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    calls = [];
    trouble = undefined;
  });

  describe("tasks", () => {
    it("creates one: the text in message, no data, and where it is", async () => {
      const { status, text, headers } = await http("POST /scheduler/task/create", json(body));
      assert.equal(status, 200);
      assert.equal(text, '{"code":200,"message":"任务添加成功","data":null}');
      assert.equal(headers.get("content-type"), "application/json");
      assert.equal(headers.get("location"), `/scheduler/task/one/query?data_id=${TASK}`);
      const [[, params] = []] = calls;
      assert.equal((params as { strategy: string }).strategy, "interval");
    });

    it("takes JSON without a content type, as the original does", async () => {
      const bytes = new TextEncoder().encode(JSON.stringify(body));
      const { text } = await http("POST /scheduler/task/create", { body: bytes });
      assert.match(text, /任务添加成功/);
    });

    it("replaces one", async () => {
      const { text } = await http("POST /scheduler/task/update", json({ data_id: TASK, data: body }));
      assert.equal(text, '{"code":200,"message":"任务更新成功","data":null}');
      assert.equal((calls[0]?.[1] as { taskId: string }).taskId, TASK);
    });

    for (const [alias, action, data] of [
      ["POST /scheduler/task/stop/update", "stop", "任务暂停成功"],
      ["PUT /scheduler/task/stop/task/update", "stop", "任务暂停成功"],
      ["POST /scheduler/task/start/update", "start", "该任务已处于运行状态"],
      ["PUT /scheduler/task/start/task/update", "start", "该任务已处于运行状态"],
      ["POST /scheduler/task/delete", "remove", "任务删除成功"],
      ["POST /scheduler/task/run/create", "run", RUN],
    ] as const) {
      it(`${alias} answers in data`, async () => {
        const { text } = await http(`${alias}?data_id=${TASK}`);
        assert.equal(text, ok(data));
        assert.deepEqual(calls, [[action, { taskId: TASK }]]);
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
      assert.deepEqual(calls, [["list", { page: 2, limit: 20, orderField: "name", order: "desc" }]]);
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
    it("lists records, of one task where asked", async () => {
      const { text } = await http(`GET /scheduler/task/record/list/query?task_id=${TASK}&limit=0`);
      assert.equal(JSON.parse(text).data[0].retval, '"\\u4efb\\u52a1\\u6267\\u884c\\u5b8c\\u6210"');
      assert.deepEqual(calls, [["records.list", { page: 1, limit: 0, taskId: TASK }]]);
    });

    it("shows one record", async () => {
      const { text } = await http(`GET /scheduler/task/record/one/query?data_id=${RUN}`);
      assert.equal(JSON.parse(text).data.id, RUN);
    });

    it("creates the crawl of the hot list: success and null", async () => {
      const { text } = await http("POST /bilibili/hot/new/task/create");
      assert.equal(text, ok(null));
      const { name, group, strategy } = calls[0]?.[1] as Record<string, unknown>;
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

  describe("refuses, and calls nobody", () => {
    const invalid = (first: string, echoed: unknown) => (text: string) => {
      const { message, body, code, errors } = JSON.parse(text);
      assert.deepEqual(Object.keys(JSON.parse(text)), ["message", "body", "code", "errors"]);
      assert.deepEqual({ message, body, code }, { message: first, body: echoed, code: 400 });
      assert.equal(errors[0].message, first);
    };
    const create = "POST /scheduler/task/create";
    const missing = { ...body, name: undefined };
    const { name: _, ...nameless } = body;
    const object = "Input should be a valid dictionary or object to extract fields from";
    const rows: readonly [what: string, alias: string, init: RequestInit, check: (text: string) => void][] = [
      ["broken JSON", create, json('{"token": "x", '), invalid("JSON decode error", '{"token": "***", ')],
      ["an empty body", create, json(""), invalid("Field required", null)],
      ["a JSON null", create, json("null"), invalid("Field required", null)],
      ["an array", create, json([body]), invalid(object, [body])],
      ["a number", create, json("5"), invalid(object, 5)],
      ["a form", create, { body: "a=1", headers: { "content-type": "text/plain" } }, invalid(object, "a=1")],
      ["a missing field", create, json(missing), invalid("Field required", nameless)],
      [
        "a wrong strategy",
        create,
        json({ ...body, exec_strategy: "hourly" }),
        invalid("Input should be 'interval', 'date', 'cron' or 'once'", { ...body, exec_strategy: "hourly" }),
      ],
      [
        "secrets in params, not repeated",
        create,
        json({ ...body, name: 1, job_params: { password: "x" } }),
        invalid("Input should be a valid string", { ...body, name: 1, job_params: { password: "***" } }),
      ],
      [
        "JSON nested too deep",
        create,
        json(`{"job_params":${"[".repeat(100)}${"]".repeat(100)}}`),
        invalid("JSON decode error", `{"job_params":${"[".repeat(100)}${"]".repeat(100)}}`),
      ],
      [
        "an id of another form",
        "POST /scheduler/task/delete?data_id=12",
        {},
        invalid("data_id 格式错误，应为 24 位十六进制字符", null),
      ],
      [
        "an empty id",
        "GET /scheduler/task/one/query?data_id=",
        {},
        invalid("data_id 格式错误，应为 24 位十六进制字符", null),
      ],
      ["no id", "GET /scheduler/task/one/query", {}, invalid("Field required", null)],
      ["page 0", "GET /scheduler/task/list/query?page=0", {}, invalid("page 应大于或等于 1", null)],
      [
        "a page that is no number",
        "GET /scheduler/task/list/query?page=x",
        {},
        invalid("Input should be a valid integer, unable to parse string as an integer", null),
      ],
    ];
    for (const [what, alias, init, check] of rows) {
      it(what, async () => {
        const { status, text } = await http(alias, init);
        assert.equal(status, 200);
        check(text);
        assert.deepEqual(calls, []);
      });
    }

    it("a body over the limit", async () => {
      const { status, text } = await http(create, json("x".repeat(1_100_000)));
      assert.equal(status, 413);
      assert.deepEqual(JSON.parse(text), { message: "请求体过大，不能超过 1 MB", code: 413 });
    });
  });

  describe("says what HTTP says", () => {
    const notFound = '{"code":404,"message":"Not Found"}';
    const notAllowed = '{"code":405,"message":"Method Not Allowed"}';
    const rows: readonly [alias: string, status: number, text: string][] = [
      ["GET /nowhere", 404, notFound],
      ["POST /nowhere", 404, notFound],
      ["POST /nowhere/", 404, notFound],
      ["GET //", 404, notFound],
      ["GET /Health", 404, notFound],
      ["GET /scheduler/task/create", 405, notAllowed],
      ["PUT /scheduler/task/create", 405, notAllowed],
      ["PATCH /health", 405, notAllowed],
      ["OPTIONS /health", 405, notAllowed],
      ["HEAD /health", 405, ""],
      ["HEAD /nowhere", 404, ""],
    ];
    for (const [alias, status, text] of rows) {
      it(alias, async () => assert.deepEqual(pick(await http(alias)), { status, text }));
    }

    it("names the methods that a path has", async () => {
      assert.equal((await http("GET /scheduler/task/create")).headers.get("allow"), "POST");
    });

    for (const method of ["GET", "POST"]) {
      it(`sends ${method} with a trailing slash to where it belongs, query and all`, async () => {
        const { status, headers } = await http(`${method} /scheduler/task/list/query//?page=2&limit=3`);
        assert.equal(status, 307);
        assert.equal(headers.get("location"), "/scheduler/task/list/query?page=2&limit=3");
      });
    }

    it("needs no User-Agent", async () => {
      const { status } = await bare("/health", {});
      assert.equal(status, 200);
    });

    it("answers the process time and the header of the first revision", async () => {
      const { headers } = await http("GET /health");
      assert.match(headers.get("x-process-time") ?? "", /^\d+ms$/);
      assert.equal(headers.get("if-refresh"), "0");
    });

    it("opens nothing to other origins", async () => {
      const { headers } = await http("GET /health", { headers: { origin: "https://example.org" } });
      assert.equal(headers.get("access-control-allow-origin"), null);
    });
  });

  describe("request ids", () => {
    it("keeps a sane one, hands it to the services' side and logs it", async () => {
      const { headers } = await http("GET /scheduler/task/list/query?token=hunter2", {
        headers: { "x-request-id": "req-1/a" },
      });
      assert.equal(headers.get("x-request-id"), "req-1/a");
      const line = await logged((entry) => entry.requestId === "req-1/a");
      const { method, route, status, code } = line;
      assert.deepEqual(
        { method, route, status, code },
        { method: "GET", route: "/scheduler/task/list/query", status: 200, code: 200 },
      );
      assert.equal(typeof line.ms, "number");
      assert.doesNotMatch(JSON.stringify(gateway.lines()), /hunter2/);
    });

    for (const given of ["a b", "x".repeat(129), "<script>"]) {
      it(`replaces ${given.slice(0, 10)}`, async () => {
        const { headers } = await http("GET /health", { headers: { "x-request-id": given } });
        assert.match(headers.get("x-request-id") ?? "", /^[0-9a-f-]{36}$/);
      });
    }
  });

  describe("when the services refuse or fail", () => {
    const failing = (type: string, code: number, message = "x") => {
      trouble = () => {
        throw new AppError(message, { type, code });
      };
    };

    it("says which task there is not", async () => {
      failing("TASK_NOT_FOUND", 404);
      const { status, text } = await http(`POST /scheduler/task/stop/update?data_id=${TASK}`);
      assert.equal(status, 200);
      assert.equal(text, JSON.stringify({ message: `未查询到编号为：${TASK} 的数据！`, code: 404 }));
    });

    it("says which record there is not", async () => {
      failing("RECORD_NOT_FOUND", 404);
      const { text } = await http(`GET /scheduler/task/record/one/query?data_id=${RUN}`);
      assert.equal(text, JSON.stringify({ message: `未查询到编号为：${RUN} 的数据！`, code: 404 }));
    });

    it("gives the cause of a definition that cannot be", async () => {
      failing("TRIGGER_INVALID", 400, "无效的 Cron 表达式：…");
      const { status, text } = await http("POST /scheduler/task/create", json(body));
      assert.equal(status, 200);
      assert.equal(JSON.parse(text).message, "无效的 Cron 表达式：…");
      assert.equal(JSON.parse(text).code, 400);
    });

    it("hides what nobody foresaw, and logs it with the request's id", async () => {
      trouble = () => {
        throw new TypeError("secret internals");
      };
      const { status, text, headers } = await http("GET /scheduler/task/list/query");
      assert.equal(status, 500);
      assert.equal(text, '{"message":"接口异常，请联系管理员！","code":500}');
      const id = headers.get("x-request-id");
      const line = await logged((entry) => entry.requestId === id && "err" in entry);
      assert.match(JSON.stringify(line.err), /secret internals/);
    });

    it("says which service does not answer", async () => {
      const own = await runGateway({ services: behind, config: { callTimeoutMs: 50 } });
      const late = Promise.withResolvers<void>();
      trouble = () => late.promise;
      const response = await fetch(`${own.origin}/scheduler/task/list/query`);
      assert.equal(response.status, 503);
      assert.match(await response.text(), /服务 scheduler 未在规定时间内响应/);
      late.resolve();
      await own.stop();
    });

    it("serves many at once, each with its own answer", async () => {
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

  describe("health and readiness", () => {
    it("is alive", async () => assert.equal((await http("GET /health")).text, ok({ status: "ok" })));

    it("says where things are", async () => {
      assert.equal(JSON.parse((await http("GET /")).text).data.ready, "/ready");
    });

    it("is ready with everything there", async () => {
      const { status, text } = await http("GET /ready");
      assert.equal(status, 200);
      assert.ok(JSON.parse(text).data.checks.every(({ ok }: { ok: boolean }) => ok));
    });

    it("is not ready without a service or a store, and names them", async () => {
      const own = await runGateway({
        services: behind.filter(({ name }) => name !== "records"),
        readiness: async () => [{ name: "mongodb", ok: false, reason: "unreachable" }],
      });
      const response = await fetch(`${own.origin}/ready`);
      const { code, message } = (await response.json()) as { code: number; message: string };
      assert.equal(response.status, 503);
      assert.equal(code, 503);
      assert.match(message, /records/);
      assert.match(message, /mongodb（unreachable）/);
      const listed = await fetch(`${own.origin}/scheduler/task/record/list/query`);
      assert.equal(listed.status, 503);
      assert.match(await listed.text(), /服务 records 当前不可用/);
      await own.stop();
    });
  });

  it("tells other nodes neither address nor routes, and lets nobody change them", () => {
    const { broker, service } = gateway;
    const mine = broker.registry.getActionList({}).map(({ name }) => name);
    assert.deepEqual(
      mine.filter((name) => name.startsWith("gateway.")),
      [],
    );
    const known = broker.registry.getServiceList({}).find(({ name }) => name === "gateway");
    assert.ok(known);
    for (const name of ["ip", "port", "routes"]) {
      assert.ok(!(name in known.settings), name);
      assert.ok(name in service.settings, name);
    }
  });
});

describe("a gateway that stops", () => {
  it("finishes the requests in flight and takes no more", async () => {
    const own = await runGateway({ services: behind });
    const held = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    trouble = () => {
      reached.resolve();
      return held.promise;
    };
    const inFlight = fetch(`${own.origin}/scheduler/task/list/query`);
    await reached.promise;
    const stopped = own.broker.destroyService(own.service);
    const closed = new Promise<void>((resolve) => own.service.server.once("close", () => resolve()));
    await untilRefused(own.origin);
    held.resolve();
    const response = await inFlight;
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("connection"), "close");
    await response.text();
    await Promise.all([stopped, closed]);
    trouble = undefined;
    await own.stop();
  });

  it("does not wait for longer than it may", async () => {
    const own = await runGateway({ services: behind, config: { drainMs: 50, callTimeoutMs: 60_000 } });
    const reached = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    trouble = () => {
      reached.resolve();
      return held.promise;
    };
    const inFlight = fetch(`${own.origin}/scheduler/task/list/query`);
    const cut = assert.rejects(inFlight);
    await reached.promise;
    await own.broker.destroyService(own.service);
    await cut;
    held.resolve();
    trouble = undefined;
    await own.stop();
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
          throw new AppError("gone", { type: "TASK_NOT_FOUND", code: 404, data: { taskId: TASK } });
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

const pick = ({ status, text }: { status: number; text: string }) => ({ status, text });

/** A request with these headers and no others. */
function bare(path: string, headers: IncomingHttpHeaders): Promise<{ status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const sent = request(gateway.origin + path, { headers, agent: false }, (response) => {
      response.resume().once("end", () => resolve({ status: response.statusCode }));
    });
    sent.once("error", reject).end();
  });
}

/** The first line that fits; lines are written when a connection is done, which may be just after the answer. */
async function logged(fits: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline; ) {
    const line = gateway.lines().find(fits);
    if (line) return line;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("no such line was logged");
}

async function untilRefused(origin: string): Promise<void> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline; ) {
    const isRefused = await fetch(`${origin}/health`).then(
      (response) => response.text().then(() => false),
      () => true,
    );
    if (isRefused) return;
  }
  throw new Error("the server still takes connections");
}
