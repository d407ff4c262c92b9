import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import type { ServiceSchema } from "moleculer";
import { subscribe } from "../../shared/bus/channels.ts";
import type { OperationRecorded } from "../../shared/contracts/operation-events.ts";
import { eventually } from "../../test/eventually.ts";
import { testKey } from "./access/access.fixture.ts";
import { backendServices, TASK, taskBody } from "./backend-services.fixture.ts";
import { json, type RunningGateway, runGateway, send, sendRaw } from "./gateway.fixture.ts";

const backend = backendServices();
let recorded: OperationRecorded[] = [];
const auditor: ServiceSchema = {
  name: "auditor",
  channels: subscribe({
    "operation.recorded": { handler: ({ data }) => void recorded.push(data) },
  }),
};
const services = [...backend.schemas, auditor];
let gateway: RunningGateway;
const http = (alias: string, init?: RequestInit) => send(gateway, alias, init);
const operation = (position = 0) => eventually(() => recorded[position]);

describe("the operation log of the gateway", () => {
  before(async () => {
    gateway = await runGateway({ services });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    recorded = [];
    backend.trouble = undefined;
  });

  it("records a change with its address, device, duration and result", async () => {
    const { text } = await http("POST /scheduler/task/create?x=1", {
      ...json(taskBody),
      headers: {
        "content-type": "application/json",
        "user-agent":
          "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.6478.1 Safari/537.36",
        "x-request-id": "my-request",
      },
    });
    const { operationId, at, durationMs, url, ...rest } = await operation();
    assert.deepEqual(rest, {
      actor: null,
      address: "127.0.0.1",
      system: "Windows 10",
      browser: "Chrome 126.0.6478",
      method: "POST",
      path: "/scheduler/task/create",
      operation: "scheduler_task.create",
      summary: "创建任务，添加任务",
      tags: ["通用调度任务管理"],
      body: JSON.stringify(taskBody),
      query: [{ name: "x", value: "1" }],
      status: 200,
      code: 200,
      contentLength: Buffer.byteLength(text),
    });
    assert.match(operationId, /^[\da-f]{24}$/);
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000);
    assert.ok(durationMs > 0);
    assert.equal(url, `${gateway.origin}/scheduler/task/create?x=1`);
  });

  for (const [what, request, expected] of [
    [
      "invalid",
      () => http("POST /scheduler/task/create", json({ name: 1 })),
      { status: 200, code: 400, body: '{"name":1}' },
    ],
    [
      "malformed",
      () => http("POST /scheduler/task/create", json("{oops")),
      { status: 200, code: 400, body: "{oops" },
    ],
    [
      "of a method that the path does not have",
      () => http("PUT /scheduler/task/create", json(taskBody)),
      { status: 405, code: 405, operation: "scheduler_task.create", body: "" },
    ],
    [
      "of a foreign page",
      () =>
        http("POST /scheduler/task/create", {
          ...json(taskBody),
          headers: { origin: "https://evil.example" },
        }),
      { status: 403, code: 403, operation: "scheduler_task.create", body: "" },
    ],
    [
      "with a body that is too large",
      () => http("POST /scheduler/task/create", json("x".repeat(1_100_000))),
      { status: 413, code: 413, operation: "scheduler_task.create", body: "" },
    ],
  ] as const) {
    it(`records a rejected request: ${what}`, async () => {
      await request();
      assert.partialDeepStrictEqual(await operation(), expected);
    });
  }

  it("records a change that failed", async () => {
    backend.trouble = () => {
      throw new Error("broken");
    };
    await http(`POST /scheduler/task/stop/update?data_id=${TASK}`);
    assert.partialDeepStrictEqual(await operation(), {
      status: 500,
      code: 500,
      operation: "scheduler_task.stop_task",
    });
  });

  it("records the result of a change whose client has left", async () => {
    const left = Promise.withResolvers<void>();
    backend.trouble = () => left.promise;
    const gone = Promise.withResolvers<void>();
    gateway.service.server.once("connection", (connection) => connection.once("close", gone.resolve));
    const socket = connect(Number(new URL(gateway.origin).port), "127.0.0.1");
    const before = backend.calls.length;
    socket.write(`POST /scheduler/task/delete?data_id=${TASK} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await eventually(() => backend.calls.length > before);
    socket.destroy();
    await gone.promise;
    left.resolve();
    assert.partialDeepStrictEqual(await operation(), { status: 200, code: 200, address: "127.0.0.1" });
  });

  it("records both revisions' methods", async () => {
    await http(`PUT /scheduler/task/stop/task/update?data_id=${TASK}`);
    await http(`POST /scheduler/task/stop/update?data_id=${TASK}`);
    await operation(1);
    assert.deepEqual(
      recorded.map(({ method, path, operation: name }) => [method, path, name]),
      [
        ["PUT", "/scheduler/task/stop/task/update", "scheduler_task.stop_task"],
        ["POST", "/scheduler/task/stop/update", "scheduler_task.stop_task"],
      ],
    );
  });

  it("masks secrets in body, query and URL", async () => {
    const job_params = { url: "http://example.org", headers: { authorization: "Basic abc" } };
    await http("POST /scheduler/task/create?access_token=abc&x=1", json({ ...taskBody, job_params }));
    const { body, query, url } = await operation();
    assert.doesNotMatch(JSON.stringify([body, query, url]), /abc/);
    assert.match(body, /"authorization":"\*\*\*"/);
    assert.deepEqual(query, [
      { name: "access_token", value: "***" },
      { name: "x", value: "1" },
    ]);
    assert.match(url, /\?access_token=\*\*\*&x=1$/);
  });

  it("masks the fields of a form, and records no other text", async () => {
    for (const [contentType, body] of [
      ["application/x-www-form-urlencoded", "name=a&pass%77ord=abc"],
      ["multipart/form-data; boundary=x", "--x\r\nabc"],
      ["text/plain", "token abc"],
    ] as const) {
      await sendRaw(gateway, "POST /scheduler/task/create", {
        headers: { "content-type": contentType },
        body,
      });
    }
    await operation(2);
    assert.deepEqual(
      recorded.map(({ body }) => body),
      ["name=a&pass%77ord=***", "", ""],
    );
  });

  it("cuts a long body", async () => {
    await http("POST /scheduler/task/create", json({ ...taskBody, remark: "长".repeat(200_000) }));
    assert.equal((await operation()).body.length, 65_536);
  });

  it("records neither what only reads nor unknown paths", async () => {
    await http("GET /scheduler/task/list/query");
    await http("POST /unknown", json({}));
    await http("POST /scheduler/task/create/", json(taskBody));
    await http("OPTIONS /scheduler/task/create");
    await http(`POST /scheduler/task/delete?data_id=${TASK}`);
    await operation();
    assert.deepEqual(
      recorded.map(({ path }) => path),
      ["/scheduler/task/delete"],
    );
  });

  it("names the user behind a token, also one who is rejected, and the address that a trusted proxy reports", async () => {
    const key = await testKey();
    const auth: ServiceSchema = { name: "auth", actions: { keys: () => ({ keys: [key.publicKey] }) } };
    const config = { authEnable: true, trustedProxies: ["127.0.0.1"] };
    const own = await runGateway({ services: [...services, auth], config });
    try {
      const token = await key.token({ permissions: ["task.read"] });
      const headers = { authorization: `Bearer ${token}`, "x-forwarded-for": "10.0.0.1, 192.0.2.9" };
      await send(own, `POST /scheduler/task/delete?data_id=${TASK}`, { headers });
      await send(own, `POST /scheduler/task/delete?data_id=${TASK}`);
      await operation(1);
      assert.deepEqual(
        recorded.map(({ actor, address, status }) => [actor, address, status]),
        [
          ["user-7", "192.0.2.9", 403],
          [null, "127.0.0.1", 401],
        ],
      );
    } finally {
      await own.stop();
    }
  });

  describe("as configured", () => {
    const recordedBy = async (config: object) => {
      const own = await runGateway({ services, config });
      const create = () => send(own, "POST /scheduler/task/create", json(taskBody));
      await create();
      await send(own, `PUT /scheduler/task/stop/task/update?data_id=${TASK}`);
      await send(own, `POST /scheduler/task/run/create?data_id=${TASK}`);
      await own.stop();
      return recorded.map(({ operation: name }) => name);
    };

    it("records nothing if it is switched off", async () =>
      assert.deepEqual(await recordedBy({ operationLogRecord: false }), []));
    it("records only the methods of OPERATION_RECORD_METHOD", async () =>
      assert.deepEqual(await recordedBy({ operationRecordMethods: ["put"] }), ["scheduler_task.stop_task"]));
    it("leaves out paths and names of IGNORE_OPERATION_ROUTER", async () =>
      assert.deepEqual(await recordedBy({ ignoredOperations: ["/scheduler/task/create", "stop_task"] }), [
        "scheduler_task.run_create",
      ]));
    it("sends what it recorded before it has stopped", async () =>
      assert.equal((await recordedBy({})).length, 3));
  });

  it("responds although the bus accepts nothing, and rejects changes once too many operations wait", async () => {
    const own = await runGateway({ services: backend.schemas, operationLimit: 2 });
    const accept = Promise.withResolvers<void>();
    own.broker.bus.send = () => accept.promise;
    const change = () => send(own, `POST /scheduler/task/delete?data_id=${TASK}`);
    try {
      assert.deepEqual([(await change()).status, (await change()).status], [200, 200]);
      const calls = backend.calls.length;
      const { status, text, headers } = await change();
      assert.equal(status, 503);
      assert.equal(text, '{"message":"操作记录暂时无法保存，已拒绝该请求，请稍后重试","code":503}');
      assert.equal(headers.get("retry-after"), "5");
      assert.equal(backend.calls.length, calls, "nothing was changed");
      assert.equal((await send(own, "GET /scheduler/task/list/query")).status, 200);
      accept.resolve();
      await eventually(async () => (await change()).status === 200);
    } finally {
      accept.resolve();
      await own.stop();
    }
  });
});
