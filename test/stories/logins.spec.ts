import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { FirstLogin } from "../../services/auth/access-parts.ts";
import { migrateDatabase } from "../../services/auth/store/open-migrations.ts";
import { readConfig } from "../../shared/config.ts";
import { type Launched, launch } from "../../tools/launch.ts";
import { eventually } from "../eventually.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";
import { postgresKinds, type TestPostgres } from "../postgres.ts";

const { start: startPostgres } = postgresKinds.findLast(
  ({ skip }) => !skip,
) as (typeof postgresKinds)[number];

describe("a platform with authentication", () => {
  let mongo: TestMongo;
  let postgres: TestPostgres;
  let platform: Launched;
  let first: FirstLogin | undefined;
  before(async () => {
    [mongo, postgres] = await Promise.all([startTestMongo(), startPostgres()]);
    if (postgres.ormDatabaseUrl) await migrateDatabase({ ...postgres, ormDatabaseEcho: false });
    const config = readConfig({
      AUTH_ENABLE: "true",
      SERVER_PORT: "0",
      MONGO_DB_URL: mongo.url,
      ORM_DATABASE_URL: postgres.ormDatabaseUrl,
      DATA_DIR: postgres.dataDir,
      LOG_LEVEL: "fatal",
    });
    const services = ["gateway", "executor", "scheduler", "records", "auth"] as const;
    const onFirstLogin = (login: FirstLogin) => {
      first = login;
    };
    platform = await launch({ config, services, onFirstLogin });
    await eventually(() => first);
  });
  after(async () => {
    await platform?.stop();
    await postgres?.close();
    await mongo?.close();
  });

  async function send(alias: string, token: string | null, body?: unknown) {
    const [method = "", path] = alias.split(" ");
    const headers = {
      "accept-language": "en",
      "content-type": "application/json",
      // Naming another address must not bypass the throttle.
      "x-forwarded-for": `198.51.100.${Math.floor(Math.random() * 250)}`,
      ...(token && { authorization: `Bearer ${token}` }),
    };
    const response = await fetch(`${platform.address}${path}`, {
      method,
      headers,
      body: JSON.stringify(body),
    });
    const text = (await response.json()) as { code: number; message: string; data: Record<string, never> };
    return { status: response.status, ...text };
  }
  const logIn = async (login: string, password: string) =>
    (await send("POST /auth/login/create", null, { login, password })).data as unknown as {
      access_token: string;
      refresh_token: string;
      user_id: number;
    };
  const task = {
    name: "hello",
    job_class: "test.main.Test",
    job_params: { name: "kinit", age: 3 },
    exec_strategy: "interval",
    expression: "10 * * * *",
    is_active: true,
  };

  it("creates a first task for the administrator of the first start, and for no request without a token", async () => {
    assert.equal((await send("POST /scheduler/task/create", null, task)).status, 401);
    const { access_token: token } = await logIn("admin", first?.password ?? "");
    const created = await eventually(async () => {
      const response = await send("POST /scheduler/task/create", token, task);
      return response.status === 503 ? undefined : response;
    });
    assert.deepEqual([created.status, created.message], [200, "Task created."]);
    assert.equal((await send("GET /scheduler/task/list/query", token)).status, 200);
    assert.equal((await send("GET /auth/me/query", token)).data.login, "admin");
  });

  it("an API token does what its scopes allow, until it is revoked", async () => {
    const { access_token: token } = await logIn("admin", first?.password ?? "");
    const body = { name: "backup", scopes: ["task.read"] };
    const { data } = await send("POST /auth/token/create", token, body);
    const program = data.token as unknown as string;
    assert.equal((await send("GET /scheduler/task/list/query", program)).status, 200);
    assert.equal((await send("POST /scheduler/task/create", program, task)).status, 403);
    assert.equal((await send(`POST /auth/token/delete?data_id=${data.id}`, token)).status, 200);
    await eventually(async () => (await send("GET /scheduler/task/list/query", program)).status === 401);
  });

  it("a refreshed session ends when its old refresh token is used again, and its access token with it", async () => {
    const { refresh_token: old } = await logIn("admin", first?.password ?? "");
    const refreshed = await send("POST /auth/session/refresh/create", null, { refresh_token: old });
    const token = refreshed.data.access_token as unknown as string;
    assert.equal((await send("GET /auth/me/query", token)).status, 200);
    assert.equal((await send("POST /auth/session/refresh/create", null, { refresh_token: old })).status, 401);
    await eventually(async () => (await send("GET /auth/me/query", token)).status === 401);
  });

  it("after logging out the access token is rejected", async () => {
    const { access_token: token } = await logIn("admin", first?.password ?? "");
    assert.equal((await send("POST /auth/logout/create", token)).status, 200);
    await eventually(async () => (await send("GET /auth/me/query", token)).status === 401);
  });

  it("fields that a request adds give nothing", async () => {
    const { access_token: token } = await logIn("admin", first?.password ?? "");
    const body = { name: "x", scopes: [], user_id: 1, permissions: ["user.write"], is_admin: true };
    const { data } = await send("POST /auth/token/create", token, body);
    const me = await send("GET /auth/me/query", data.token as unknown as string);
    assert.deepEqual(me.data.permissions, []);
  });

  it("failed logins have to wait, whatever address their headers name", async () => {
    const statuses = [];
    for (let attempt = 0; attempt < 7; attempt++)
      statuses.push(
        (await send("POST /auth/login/create", null, { login: "guessed", password: "x" })).status,
      );
    assert.deepEqual(new Set(statuses.slice(0, 5)), new Set([401]));
    assert.ok(statuses.includes(429));
  });
});
