import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { readConfig } from "../../shared/config.ts";
import { type Launched, launch } from "../../tools/launch.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";

interface Refusal {
  readonly status: number;
  readonly body: {
    readonly code: number;
    readonly message: string;
    readonly errors?: readonly { readonly field: string }[];
  };
}

const task = {
  name: "odd",
  job_class: "http.request",
  job_params: { url: "http://127.0.0.1/" } as object | string,
  exec_strategy: "interval",
  expression: "10 * * * *",
  is_active: false,
};

describe("definitions that no one foresees", () => {
  let mongo: TestMongo;
  let launched: Launched;
  before(async () => {
    mongo = await startTestMongo();
    const config = readConfig({
      MONGO_DB_URL: mongo.url,
      MONGO_DB_NAME: "odd",
      SERVER_PORT: "0",
      LOG_LEVEL: "fatal",
      ORM_DB_ENABLE: "false",
      AUTH_ENABLE: "false",
      MOLECULER_CALL_ALLOW: "records.get,scheduler.create",
    });
    launched = await launch({ config, services: ["executor", "scheduler", "records", "gateway"] });
  });
  after(async () => {
    await launched?.stop();
    await mongo?.close();
  });

  const create = async (body: object | string): Promise<Refusal & { location: string | null }> => {
    const response = await fetch(`${launched.address}/scheduler/task/create`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
    const location = response.headers.get("location");
    return { status: response.status, body: (await response.json()) as Refusal["body"], location };
  };
  const storedParams = async (location: string | null): Promise<unknown> => {
    const response = await fetch(`${launched.address}${location}`);
    const { data } = (await response.json()) as { data: { job_params: string } };
    return JSON.parse(data.job_params);
  };
  const refusedAt = ({ status, body }: Refusal, field: string) => {
    assert.deepEqual([status, body.code, body.errors?.[0]?.field], [200, 400, field], JSON.stringify(body));
    assert.doesNotMatch(body.message, /'params' field|Unsupported BSON/);
  };
  const withJson = (json: string) =>
    JSON.stringify(task).replace('"url":"http://127.0.0.1/"', `"url":"http://127.0.0.1/","json":${json}`);

  for (const dialect of ["unix", "kinit", "quartz"]) {
    for (const expression of ["constructor", "__proto__", "toString", "hasOwnProperty", "@constructor"]) {
      it(`refuses the ${dialect} expression ${expression}`, async () => {
        refusedAt(
          await create({ ...task, exec_strategy: "cron", cron_dialect: dialect, expression }),
          "expression",
        );
      });
    }
  }
  for (const word of ["constructor", "__proto__"]) {
    it(`refuses the handler ${word}`, async () => {
      refusedAt(await create({ ...task, job_class: word }), "job_class");
    });
    it(`refuses the param ${word}`, async () => {
      const body = JSON.stringify(task).replace('"url":', `"${word}":{"a":1},"url":`);
      refusedAt(await create(body), `job_params.${word}`);
    });
  }

  for (const [what, json] of [
    ["the reserved key of BSON", '{"_bsontype":"ObjectId"}'],
    ["NUL in a key", String.raw`{"a\u0000":1}`],
  ] as const) {
    it(`refuses ${what} in params, within an object or a text`, async () => {
      refusedAt(await create(withJson(json)), "job_params.json");
      const text = `{"url":"http://127.0.0.1/","json":${json}}`;
      refusedAt(await create({ ...task, job_params: text }), "job_params.json");
    });
  }

  it("refuses numbers that would change, within an object or a text", async () => {
    refusedAt(await create(withJson('[{"n":12345678901234567890}]')), "job_params.json[0].n");
    refusedAt(await create({ ...task, job_params: '{"json":1e400}' }), "job_params.json");
  });

  it("names a required param that is null, and takes null for an optional one as not given", async () => {
    const refusal = await create({
      ...task,
      job_class: "test.main.Test",
      job_params: { name: null, age: 1 },
    });
    refusedAt(refusal, "job_params.name");
    assert.match(refusal.body.message, /name 为 null，应为/);
    for (const [job_class, job_params] of [
      ["http.request", { url: "http://127.0.0.1/", timeoutMs: null }],
      ["moleculer.call", { action: "records.get", params: null }],
    ] as const) {
      const { body } = await create({ ...task, job_class, job_params });
      assert.equal(body.code, 200, JSON.stringify(body));
    }
  });

  it("names the action that MOLECULER_CALL_ALLOW does not include", async () => {
    const job_params = { action: "auth.setLogin" };
    const refusal = await create({ ...task, job_class: "moleculer.call", job_params });
    refusedAt(refusal, "job_params.action");
    assert.match(refusal.body.message, /action 不在 MOLECULER_CALL_ALLOW 允许的范围内/);
  });

  it("keeps null where the handler takes any value", async () => {
    const job_params = {
      action: "scheduler.create",
      params: { group: null, "a.b": [null, { c: null }] },
    };
    assert.equal((await create(withJson("null"))).body.code, 200);
    const { body, location } = await create({ ...task, job_class: "moleculer.call", job_params });
    assert.equal(body.code, 200, JSON.stringify(body));
    assert.deepEqual(await storedParams(location), job_params);
  });

  it("keeps a key __proto__ as any other", async () => {
    const job_params = '{"action": "records.get", "params": {"__proto__": {"a": 1}}}';
    const { body, location } = await create({ ...task, job_class: "moleculer.call", job_params });
    assert.equal(body.code, 200, JSON.stringify(body));
    const { params } = (await storedParams(location)) as { params: object };
    assert.deepEqual(Object.entries(params), [["__proto__", { a: 1 }]]);
  });

  it("names the expression where its years have passed, and the end where that is too early", async () => {
    const past = { ...task, exec_strategy: "cron", expression: "0 0 0 1 1 ? 2020" };
    const refusal = await create(past);
    refusedAt(refusal, "expression");
    assert.doesNotMatch(refusal.body.message, /end_datetime/);
    refusedAt(await create({ ...past, end_datetime: "2999-01-01 00:00:00" }), "expression");
    const cut = { ...past, expression: "0 0 0 1 1 ? 2999", end_datetime: "2998-01-01 00:00:00" };
    refusedAt(await create(cut), "end_datetime");
  });
});
