import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, describe, it } from "node:test";
import type { ServiceSchema } from "moleculer";
import type { Identity } from "../../shared/contracts/access-token.ts";
import { testKey } from "./access/access.fixture.ts";
import { backendServices, TASK, taskBody } from "./backend-services.fixture.ts";
import { json, logged, type RunningGateway, runGateway, send } from "./gateway.fixture.ts";

const backend = backendServices();
const key = await testKey();
const list = "GET /scheduler/task/list/query";
const create = "POST /scheduler/task/create";
const API_TOKEN = `kft_${"a".repeat(43)}`;
const COOKIE = "c".repeat(43);
const program: Identity = { userId: 9, login: "backup", sessionId: null, permissions: ["task.read"] };

/** The actions of the auth service that the gateway uses, reduced to what their contracts promise. */
const auth: ServiceSchema = {
  name: "auth",
  actions: {
    keys: () => ({ keys: [key.publicKey] }),
    identify: ({ params: { hash } }: { params: { hash: string } }) =>
      [API_TOKEN, COOKIE].some((text) => createHash("sha256").update(text).digest("hex") === hash)
        ? { ...program, permissions: ["task.read", "task.write"] }
        : null,
  },
};

describe("a gateway with authentication", () => {
  let gateway: RunningGateway;
  before(async () => {
    const config = { authEnable: true, trustedProxies: ["127.0.0.1"], requestsPerMinute: 40 };
    gateway = await runGateway({ services: [...backend.schemas, auth], config });
  });
  after(() => gateway.stop());
  beforeEach(() => {
    backend.calls = [];
  });

  const sent = (headers: Record<string, string>, init: RequestInit = {}) => ({
    ...init,
    headers: { "accept-language": "en", ...headers, ...init.headers },
  });
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it("rejects a request without a token, before a service is called", async () => {
    const { status, text, headers } = await send(gateway, list, sent({}));
    assert.equal(status, 401);
    assert.deepEqual(Object.keys(JSON.parse(text)), ["code", "message"]);
    assert.match(text, /"code":401,"message":"Log in first/);
    assert.equal(headers.get("www-authenticate"), "Bearer");
    assert.deepEqual(backend.calls, []);
  });

  it("rejects a change without a token without reading its body", async () => {
    const { status } = await send(gateway, create, sent({}, json("{")));
    assert.equal(status, 401);
  });

  it("leaves the public routes open", async () => {
    for (const alias of ["GET /", "GET /health"]) assert.equal((await send(gateway, alias)).status, 200);
  });

  it("admits an access token with the permission, and names its user in the call and in the log", async () => {
    const { status } = await send(gateway, list, sent(bearer(await key.token())));
    assert.equal(status, 200);
    const { actor, permissions } = (backend.context?.meta ?? {}) as Record<string, unknown>;
    assert.deepEqual([actor, permissions], ["user-7", ["task.read"]]);
    const line = await logged(gateway, ({ actor: who }) => who === "user-7");
    assert.ok(!JSON.stringify(line).includes("Bearer"));
  });

  it("rejects one without the permission, and names what is missing", async () => {
    const { status, text } = await send(gateway, create, sent(bearer(await key.token()), json(taskBody)));
    assert.equal(status, 403);
    assert.match(text, /task\.write/);
    assert.deepEqual(backend.calls, []);
  });

  it("rejects each route but the public ones for a user without permissions", async () => {
    const nothing = bearer(await key.token({ permissions: [] }));
    for (const alias of [
      `POST /scheduler/task/stop/update?data_id=${TASK}`,
      `POST /scheduler/task/run/create?data_id=${TASK}`,
      "GET /scheduler/task/record/list/query",
      "GET /bilibili/hot/new/list/query",
      "POST /bilibili/hot/new/task/create",
    ])
      assert.equal((await send(gateway, alias, sent(nothing))).status, 403, alias);
    assert.deepEqual(backend.calls, []);
  });

  it("rejects a forged token", async () => {
    const forged = await (await testKey()).token({ permissions: ["task.write"] });
    assert.equal((await send(gateway, list, sent(bearer(forged)))).status, 401);
  });

  it("rejects a token once its session or its user's permissions changed", async () => {
    const token = bearer(await key.token({ sub: "70", sid: "66f2a1b00a1b2c3d4e5f6099" }));
    assert.equal((await send(gateway, list, sent(token))).status, 200);
    await gateway.broker.broadcast("auth.revoked", { sessionIds: ["66f2a1b00a1b2c3d4e5f6099"] });
    assert.equal((await send(gateway, list, sent(token))).status, 401);
    const other = bearer(await key.token({ sub: "71", iat: Date.now() / 1000 - 1 }));
    await gateway.broker.broadcast("auth.revoked", { userIds: [71] });
    assert.equal((await send(gateway, list, sent(other))).status, 401);
  });

  it("admits an API token, and rejects an unknown one", async () => {
    assert.equal((await send(gateway, list, sent(bearer(API_TOKEN)))).status, 200);
    assert.equal((await send(gateway, list, sent(bearer(`kft_${"b".repeat(43)}`)))).status, 401);
  });

  it("ignores an actor or permissions that the client sends", async () => {
    const meta = {
      actor: "user-1",
      permissions: "task.write",
      "x-actor": "user-1",
      "x-permissions": "task.write",
    };
    const { status } = await send(
      gateway,
      create,
      sent({ ...bearer(await key.token()), ...meta }, json(taskBody)),
    );
    assert.equal(status, 403);
  });

  describe("and a session cookie", () => {
    const cookie = { cookie: `kinit_session=${COOKIE}` };
    it("admits reading", async () => assert.equal((await send(gateway, list, sent(cookie))).status, 200));
    it("admits a change of its own pages", async () => {
      const headers = { ...cookie, origin: gateway.origin };
      assert.equal((await send(gateway, create, sent(headers, json(taskBody)))).status, 200);
    });
    for (const [what, headers] of [
      ["another port of this host", { origin: "http://127.0.0.1:3000", "sec-fetch-site": "same-site" }],
      ["no origin", {}],
      ["another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }],
    ] as const) {
      it(`rejects a change of a page of ${what}`, async () => {
        const { status } = await send(gateway, create, sent({ ...cookie, ...headers }, json(taskBody)));
        assert.equal(status, 403);
        assert.deepEqual(backend.calls, []);
      });
    }
  });

  it("limits the requests of a client by the address that its proxy reports, not by one that it writes", async () => {
    const from = (forwarded: string) => send(gateway, "GET /health", sent({ "x-forwarded-for": forwarded }));
    const statuses = new Set<number>();
    for (let request = 0; request < 80; request++)
      statuses.add((await from(`10.0.0.${request}, 192.0.2.50`)).status);
    assert.ok(statuses.has(429));
    assert.equal((await from("192.0.2.51")).status, 200);
  });

  it("sends the security headers with every response, rejections included", async () => {
    for (const alias of ["GET /health", list, "GET /nowhere"]) {
      const { headers } = await send(gateway, alias, sent({ "x-forwarded-for": "192.0.2.60" }));
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.match(headers.get("content-security-policy") ?? "", /frame-ancestors 'none'/);
      assert.equal(headers.get("referrer-policy"), "no-referrer");
      assert.equal(headers.get("cache-control"), "no-store");
    }
  });
});

describe("a gateway whose auth service is away", () => {
  let gateway: RunningGateway;
  before(async () => {
    gateway = await runGateway({ services: backend.schemas, config: { authEnable: true } });
  });
  after(() => gateway.stop());

  it("returns 503 that names the service, and not 401", async () => {
    const authorization = `Bearer ${await key.token()}`;
    const { status, text } = await send(gateway, list, { headers: { authorization } });
    assert.equal(status, 503);
    assert.match(text, /auth/);
  });
});
