import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { startTestMongo, type TestMongo } from "../mongo.ts";
import { type Platform, startPlatform } from "../platform.ts";
import { embeddedPostgres, type TestPostgres } from "../postgres.ts";

type Method = "GET" | "POST" | "PUT" | "DELETE";

const user = { name: "kinit", telephone: "13800000000", age: 30, role_ids: [] as number[] };
const role = { name: "管理员", role_key: "admin" };
const test = { name: "first", role_key: "test", age: 3 };
const WALL_TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

describe("users, roles and tests over HTTP, with the responses of the Python original", () => {
  let mongo: TestMongo;
  let postgres: TestPostgres;
  let platform: Platform;
  before(async () => {
    [mongo, postgres] = await Promise.all([startTestMongo(), embeddedPostgres()]);
    platform = await startPlatform({
      mongo,
      services: ["gateway", "auth"],
      settings: { SERVER_PORT: "0", ORM_DB_ENABLE: "true", DATA_DIR: postgres.dataDir, AUTH_ENABLE: "false" },
    });
  });
  after(async () => {
    await platform?.stop();
    await Promise.all([mongo?.close(), postgres?.close()]);
  });

  async function send(method: Method, path: string, body?: unknown) {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${platform.address}${path}`, { method, headers, ...init });
    const text = await response.text();
    return { status: response.status, text, body: JSON.parse(text), headers: response.headers };
  }
  const post = (path: string, body?: unknown) => send("POST", path, body);
  /** Creates a row; returns its id. */
  async function create(path: string, body: unknown): Promise<number> {
    const { text, headers } = await post(`${path}/create`, body);
    assert.equal(text, '{"code":200,"message":"创建成功","data":null}');
    return Number(headers.get("location")?.split("data_id=")[1]);
  }
  const one = async (path: string, id: number) =>
    (await send("GET", `${path}/one/query?data_id=${id}`)).body.data;
  const clear = async (path: string) => {
    const { body } = await send("GET", `${path}/list/query?limit=0`);
    if (body.total > 0)
      await post(`${path}/delete`, { data_ids: body.data.map((row: { id: number }) => row.id) });
  };
  beforeEach(async () => {
    for (const path of ["/auth/user", "/auth/role", "/auth/test"]) await clear(path);
  });

  for (const [path, body, changed] of [
    ["/auth/role", role, { ...role, name: "other" }],
    ["/auth/user", user, { ...user, name: "other" }],
    ["/auth/test", test, { ...test, name: "other" }],
  ] as const) {
    it(`${path}: creates, changes, shows, lists and deletes`, async () => {
      const id = await create(path, body);
      const update = await post(`${path}/update`, { data_id: String(id), data: changed });
      assert.equal(update.text, '{"code":200,"message":"更新成功","data":null}');
      const shown = await one(path, id);
      assert.equal(shown.name, "other");
      assert.match(shown.create_datetime, WALL_TIME);
      const { body: list } = await send("GET", `${path}/list/query`);
      assert.deepEqual(Object.keys(list), ["code", "message", "data", "total", "page", "limit"]);
      assert.deepEqual([list.data, list.total, list.page, list.limit], [[shown], 1, 1, 10]);
      const deleted = await post(`${path}/delete`, { data_ids: [id] });
      assert.equal(deleted.text, '{"code":200,"message":"删除成功","data":null}');
      assert.equal((await send("GET", `${path}/list/query`)).body.total, 0);
    });

    it(`${path}: states what was not found, without data`, async () => {
      const id = 2 ** 33;
      const toChange = path === "/auth/user" ? "未查询到对应数据！" : "未查询到需要更新的数据！";
      const notFound = (message: string) => `{"message":"${message}","code":404}`;
      assert.equal(
        (await send("GET", `${path}/one/query?data_id=7777`)).text,
        notFound("未查询到对应数据！"),
      );
      assert.equal(
        (await send("GET", `${path}/one/query?data_id=${id}`)).text,
        notFound("未查询到对应数据！"),
      );
      assert.equal((await post(`${path}/update`, { data_id: 7777, data: body })).text, notFound(toChange));
      for (const data_ids of [[], [7777, id]])
        assert.equal((await post(`${path}/delete`, { data_ids })).text, notFound("未查询到需要删除的数据！"));
    });

    const faults: [string, unknown][] = [
      ["Field required", { ...body, name: undefined }],
      ["Input should be a valid string", { ...body, name: 7 }],
      ["String should have at most 255 characters", { ...body, name: "x".repeat(256) }],
      ["Input should be a valid boolean, unable to interpret input", { ...body, is_active: "maybe" }],
      ["Input should be a valid dictionary or object to extract fields from", [body]],
    ];
    for (const [message, sent] of faults) {
      it(`${path}: rejects a body with "${message}"`, async () => {
        const { status, body: response } = await post(`${path}/create`, sent);
        assert.deepEqual([status, response.message, response.code], [200, message, 400]);
        assert.deepEqual(Object.keys(response), ["message", "body", "code", "errors"]);
      });
    }
  }

  it("shows the members in the order of the original", async () => {
    const roleId = await create("/auth/role", role);
    const id = await create("/auth/user", { ...user, role_ids: [roleId, 7777] });
    const times = ["create_datetime", "update_datetime"];
    const shown = await one("/auth/user", id);
    const own = ["name", "telephone", "email", "is_active", "age", "id", ...times, "roles"];
    assert.deepEqual(Object.keys(shown), own);
    assert.deepEqual(Object.keys(shown.roles[0]), ["name", "role_key", "is_active", "id", ...times]);
    assert.deepEqual([shown.email, shown.is_active, shown.roles.length], [null, true, 1]);
    const testId = await create("/auth/test", { ...test, is_active: "false", age: "4" });
    const shownTest = await one("/auth/test", testId);
    assert.deepEqual(Object.keys(shownTest), ["name", "role_key", "is_active", "age", "id", ...times]);
    assert.deepEqual([shownTest.is_active, shownTest.age], [false, 4]);
  });

  it("accepts the methods and the bare lists of the first revision", async () => {
    const id = await create("/auth/role", role);
    const update = await send("PUT", "/auth/role/update", { data_id: id, data: { ...role, is_active: 0 } });
    assert.equal(update.body.message, "更新成功");
    assert.equal((await one("/auth/role", id)).is_active, false);
    assert.equal((await send("DELETE", "/auth/role/delete", [id])).body.message, "删除成功");
    assert.equal((await send("DELETE", "/auth/role/delete", [id])).body.code, 404);
    const { body } = await send("DELETE", "/auth/user/delete", { data_ids: [1] });
    assert.deepEqual([body.message, body.code], ["类型错误，输入应该是一个有效的列表！", 400]);
  });

  it("creates several roles or none; an empty list and a long key are 400, not 500", async () => {
    const path = "/auth/role/batch/create";
    assert.equal((await post(path, [role, role])).text, '{"code":200,"message":"批量创建成功","data":null}');
    const faults: [unknown, string][] = [
      [[], "List should have at least 1 item after validation, not 0"],
      [[role, { ...role, role_key: "longer than 11" }], "String should have at most 11 characters"],
      [{ datas: [role] }, "类型错误，输入应该是一个有效的列表！"],
      [[role, "x"], "Input should be a valid dictionary or object to extract fields from"],
    ];
    for (const [body, message] of faults) {
      const response = (await post(path, body)).body;
      assert.deepEqual([response.message, response.code], [message, 400]);
    }
    assert.equal((await send("GET", "/auth/role/list/query")).body.total, 2);
  });

  it("checks telephone and e-mail in the words of the original, and lets roles be cleared", async () => {
    const faults: [object, string][] = [
      [{ telephone: "12345678901" }, "Value error, 请输入正确手机号"],
      [{ email: "" }, "Value error, 请输入邮箱地址"],
      [{ email: "nobody@" }, "Value error, 请输入正确邮箱地址"],
      [{ role_ids: 1 }, "类型错误，输入应该是一个有效的列表！"],
      [{ role_ids: ["x"] }, "Input should be a valid integer, unable to parse string as an integer"],
    ];
    for (const [wrong, message] of faults)
      assert.equal((await post("/auth/user/create", { ...user, ...wrong })).body.message, message);
    const roleId = await create("/auth/role", role);
    const id = await create("/auth/user", { ...user, email: "a@b.cd", role_ids: [roleId] });
    await post("/auth/user/update", { data_id: id, data: user });
    const cleared = await one("/auth/user", id);
    assert.deepEqual([cleared.roles, cleared.email], [[], null]);
  });

  it("sorts as the original does, and counts only what is not deleted", async () => {
    const ids: number[] = [];
    for (const name of ["b", "c", "a"]) ids.push(await create("/auth/test", { ...test, name }));
    await post("/auth/test/delete", { data_ids: ids.slice(0, 1) });
    const names = async (query: string) => {
      const { body } = await send("GET", `/auth/test/list/query?${query}`);
      return [body.data.map(({ name }: { name: string }) => name).join(""), body.total];
    };
    assert.deepEqual(await names("v_order=desc"), ["ac", 2]);
    assert.deepEqual(await names("v_order_field=name"), ["ac", 2]);
    assert.deepEqual(await names("v_order_field=name&v_order=descending"), ["ca", 2]);
    assert.deepEqual(await names("page=2&limit=1&v_order_field=id"), ["a", 2]);
    assert.equal((await send("GET", "/auth/test/list/query?page=0")).body.code, 400);
  });

  it("counts the new users of a month, and runs the demonstrations of the ORM", async () => {
    for (const path of ["db/getter/01", "db/getter/02", "03"])
      assert.equal(
        (await post(`/auth/user/orm/${path}/test`)).text,
        '{"code":200,"message":"success","data":null}',
      );
    const { data } = (await send("GET", "/auth/user/recent/month/user/query")).body;
    assert.equal(Object.keys(data).length, 31);
    assert.equal(data[new Date().toISOString().slice(0, 10)], 1);
    const [created] = (await send("GET", "/auth/user/list/query")).body.data;
    assert.deepEqual([created.name, created.telephone], ["orm_db_test", "19920240505"]);
  });
});

describe("without PostgreSQL (ORM_DB_ENABLE=false)", () => {
  it("the service does not start, and its paths state that", async () => {
    const mongo = await startTestMongo();
    const settings = { SERVER_PORT: "0", ORM_DB_ENABLE: "false", AUTH_ENABLE: "false" };
    const platform = await startPlatform({ mongo, services: ["gateway", "auth"], settings });
    try {
      assert.equal(platform.broker.getLocalService("auth"), undefined);
      const response = await fetch(`${platform.address}/auth/role/list/query`);
      const { code, message } = (await response.json()) as { code: number; message: string };
      assert.deepEqual([response.status, code], [200, 400]);
      assert.match(message, /ORM_DB_ENABLE/);
    } finally {
      await platform.stop();
      await mongo.close();
    }
  });
});
