import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { backendServices, taskBody } from "./backend-services.fixture.ts";
import { json, type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

const backend = backendServices();
let gateway: RunningGateway;
const http = (alias: string, init?: RequestInit) => send(gateway, alias, init);

describe("a gateway that rejects requests", () => {
  before(async () => {
    gateway = await runGateway({ services: backend.schemas });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    backend.calls = [];
    backend.trouble = undefined;
  });

  describe("rejects without a call", () => {
    const invalid = (first: string, echoed: unknown) => (text: string) => {
      const { message, body, code, errors } = JSON.parse(text);
      assert.deepEqual(Object.keys(JSON.parse(text)), ["message", "body", "code", "errors"]);
      assert.deepEqual({ message, body, code }, { message: first, body: echoed, code: 400 });
      assert.equal(errors[0].message, first);
    };
    const create = "POST /scheduler/task/create";
    const missing = { ...taskBody, name: undefined };
    const { name: _, ...nameless } = taskBody;
    const object = "Input should be a valid dictionary or object to extract fields from";
    const rows: readonly [what: string, alias: string, init: RequestInit, check: (text: string) => void][] = [
      ["broken JSON", create, json('{"token": "x", '), invalid("JSON decode error", '{"token": "***", ')],
      ["an empty body", create, json(""), invalid("Field required", null)],
      ["a JSON null", create, json("null"), invalid("Field required", null)],
      ["an array", create, json([taskBody]), invalid(object, [taskBody])],
      ["a number", create, json("5"), invalid(object, 5)],
      ["a form", create, { body: "a=1", headers: { "content-type": "text/plain" } }, invalid(object, "a=1")],
      ["a missing field", create, json(missing), invalid("Field required", nameless)],
      [
        "a wrong strategy",
        create,
        json({ ...taskBody, exec_strategy: "hourly" }),
        invalid("Input should be 'interval', 'date', 'cron' or 'once'", {
          ...taskBody,
          exec_strategy: "hourly",
        }),
      ],
      [
        "secrets in params, not repeated",
        create,
        json({ ...taskBody, name: 1, job_params: { password: "x" } }),
        invalid("Input should be a valid string", { ...taskBody, name: 1, job_params: { password: "***" } }),
      ],
      [
        "JSON nested too deep",
        create,
        json(`{"job_params":${"[".repeat(100)}${"]".repeat(100)}}`),
        invalid("JSON 嵌套过深，最多 64 层", `{"job_params":${"[".repeat(100)}${"]".repeat(100)}}`),
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
        assert.deepEqual(backend.calls, []);
      });
    }

    it("a body over the limit", async () => {
      const { status, text } = await http(create, json("x".repeat(1_100_000)));
      assert.equal(status, 413);
      assert.deepEqual(JSON.parse(text), { message: "请求体过大，不能超过 1 MB", code: 413 });
    });
  });
});
