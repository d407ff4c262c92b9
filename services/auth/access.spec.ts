import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, it } from "node:test";
import { decodeJwt } from "jose";
import { actorOf } from "../../shared/contracts/access-token.ts";
import { PERMISSIONS, type Permission } from "../../shared/contracts/permissions.ts";
import { errorType } from "../../shared/errors.ts";
import { eventually } from "../../test/eventually.ts";
import { postgresKinds, type TestPostgres } from "../../test/postgres.ts";
import { type AuthUnderTest, startAuth } from "./auth.fixture.ts";
import { migrateDatabase } from "./store/open-migrations.ts";

const from = { address: "192.0.2.7", device: "spec" };
const settings = { authEnable: true, accessTokenMs: 600_000, sessionMs: 3_600_000 };
const PASSWORD = "correct horse battery";
const fields = { telephone: "", email: null, isActive: true, age: 0 };
const everything = { page: 1, limit: 0 } as const;

for (const { name, start, skip } of postgresKinds) {
  describe(`logins and permissions on ${name}`, { skip }, () => {
    let postgres: TestPostgres;
    let auth: AuthUnderTest;
    let password: string;
    let adminId: number;
    before(async () => {
      postgres = await start();
      if (postgres.ormDatabaseUrl) await migrateDatabase({ ...postgres, ormDatabaseEcho: false });
      auth = await started();
      password = auth.firstLogin()?.password ?? "";
      adminId = (await login("admin", password)).userId;
    });
    after(async () => {
      await auth?.stop();
      await postgres?.close();
    });

    /** The embedded PostgreSQL may take longer to start than a call waits. */
    async function started(): Promise<AuthUnderTest> {
      const service = await startAuth(postgres, settings);
      await eventually(() =>
        service.call("auth.keys", {}).catch((error: unknown) => {
          if (errorType(error) !== "STORE_UNAVAILABLE") throw error;
        }),
      );
      return service;
    }

    const login = (who: string, secret: string, address = from.address) =>
      auth.call("auth.login", { login: who, password: secret, ...from, address });
    const roleId = async (key: string) => {
      const { items } = await auth.call("auth.listRoles", everything);
      return items.find(({ roleKey }) => roleKey === key)?.id ?? 0;
    };
    /** A user with ready-made roles, who can log in. */
    async function makeUser(who: string, ...keys: string[]) {
      const roleIds = await Promise.all(keys.map(roleId));
      const { id: userId } = await auth.call("auth.createUser", { ...fields, name: who, roleIds });
      await auth.call("auth.setLogin", { userId, login: who, password: PASSWORD });
      return userId;
    }
    const as = (userId: number, ...permissions: Permission[]) => ({
      actor: actorOf({ userId }),
      permissions,
    });
    const forbidden = { type: "FORBIDDEN" };

    it("the first start makes four roles and an administrator with a generated password, once", async () => {
      assert.match(password, /^[a-z\d]{5}(-[a-z\d]{5}){3}$/);
      const { items } = await auth.call("auth.listRoles", everything);
      assert.deepEqual(items.map(({ roleKey }) => roleKey).sort(), [
        "admin",
        "operator",
        "program",
        "viewer",
      ]);
      assert.deepEqual((await login("ADMIN", password)).permissions, PERMISSIONS);
      await eventually(() => auth.events.some(({ type }) => type === "user.created"));
      assert.ok(!JSON.stringify(auth.events).includes(password));
      await auth.stop();
      auth = await started();
      assert.equal(auth.firstLogin(), undefined);
      assert.equal((await login("admin", password)).userId, adminId);
    });

    it("a login starts a session, whose tokens say what the user may do", async () => {
      const userId = await makeUser("viewer1", "viewer");
      const tokens = await login("viewer1", PASSWORD);
      const { sub, sid, permissions } = decodeJwt(tokens.accessToken);
      assert.deepEqual([sub, sid], [String(userId), tokens.sessionId]);
      assert.ok((permissions as string[]).includes("task.read"));
      assert.ok(!(permissions as string[]).includes("task.write"));
      const { items } = await auth.callAs(as(userId), "auth.sessions", { userId });
      assert.partialDeepStrictEqual(items, [{ id: tokens.sessionId, ...from }]);
      await eventually(() => auth.events.some(({ subject }) => subject === `session-${tokens.sessionId}`));
    });

    it("an unknown login and a wrong password have the same error", async () => {
      await makeUser("known", "viewer");
      const errorOf = (attempt: Promise<unknown>) =>
        attempt.then(
          () => assert.fail("logged in"),
          ({ type, message, code, data }) => ({ type, message, code, data }),
        );
      const [wrong, unknown] = [
        await errorOf(login("known", "wrong password", "192.0.2.20")),
        await errorOf(login("nobody", "wrong password", "192.0.2.20")),
      ];
      assert.deepEqual(wrong, unknown);
      assert.equal(wrong.type, "LOGIN_FAILED");
    });

    for (const odd of ["' or '1'='1", "admin'--", "admin\r\nX-Injected: 1", "\u0000", "%", "__proto__"])
      it(`the login ${JSON.stringify(odd)} belongs to no user`, () =>
        assert.rejects(login(odd, "x", `odd ${odd.length}`), { type: "LOGIN_FAILED" }));

    it("logins that fail repeatedly have to wait, and do not lock out other addresses", async () => {
      await makeUser("guessed", "viewer");
      for (let attempt = 0; attempt < 5; attempt++)
        await assert.rejects(login("guessed", "wrong", "192.0.2.30"), { type: "LOGIN_FAILED" });
      await assert.rejects(login("guessed", PASSWORD, "192.0.2.30"), { type: "LOGIN_THROTTLED" });
      assert.ok(await login("guessed", PASSWORD, "192.0.2.31"));
    });

    it("attempts at the same moment do not pass the throttle together", async () => {
      const attempts = Array.from({ length: 12 }, () => login("burst", "wrong", "192.0.2.32"));
      const types = (await Promise.allSettled(attempts)).map(
        (result) => (result as PromiseRejectedResult).reason.type,
      );
      assert.ok(types.filter((type) => type === "LOGIN_FAILED").length <= 5, String(types));
    });

    it("a refresh token is good once; its reuse ends the session", async () => {
      await makeUser("refresher", "viewer");
      const first = await login("refresher", PASSWORD);
      const second = await auth.call("auth.refresh", { refreshToken: first.refreshToken });
      assert.equal(second.sessionId, first.sessionId);
      const ended = { type: "SESSION_ENDED" };
      await assert.rejects(auth.call("auth.refresh", { refreshToken: first.refreshToken }), ended);
      await assert.rejects(auth.call("auth.refresh", { refreshToken: second.refreshToken }), ended);
      assert.ok(JSON.stringify(auth.revoked).includes(first.sessionId));
    });

    it("an access token does not refresh a session", async () => {
      const { accessToken } = await login("admin", password);
      await assert.rejects(auth.call("auth.refresh", { refreshToken: accessToken }), {
        type: "SESSION_ENDED",
      });
    });

    it("a user ends only their own sessions", async () => {
      const owner = await makeUser("owner", "viewer");
      const thief = await makeUser("thief", "operator");
      const { sessionId, refreshToken } = await login("owner", PASSWORD);
      const end = { userId: owner, sessionId, reason: "revoked" } as const;
      await assert.rejects(auth.callAs(as(thief, "task.write"), "auth.endSession", end), forbidden);
      await assert.rejects(auth.callAs(as(thief), "auth.sessions", { userId: owner }), forbidden);
      const own = { ...end, userId: thief };
      assert.deepEqual(await auth.callAs(as(thief), "auth.endSession", own), { ended: false });
      assert.deepEqual(await auth.callAs(as(owner), "auth.endSession", end), { ended: true });
      await assert.rejects(auth.call("auth.refresh", { refreshToken }), { type: "SESSION_ENDED" });
    });

    it("a changed password ends the other sessions, and the old one is not accepted", async () => {
      const userId = await makeUser("changer", "viewer");
      const [kept, other] = [await login("changer", PASSWORD), await login("changer", PASSWORD)];
      const change = (current: string, next: string) =>
        auth.callAs(as(userId), "auth.changePassword", {
          userId,
          sessionId: kept.sessionId,
          current,
          password: next,
          address: from.address,
        });
      await assert.rejects(change("wrong password", "another horse battery"), { type: "LOGIN_FAILED" });
      await assert.rejects(change(PASSWORD, "short"), { type: "PASSWORD_WEAK" });
      await change(PASSWORD, "another horse battery");
      await assert.rejects(login("changer", PASSWORD, "192.0.2.40"), { type: "LOGIN_FAILED" });
      const { items } = await auth.callAs(as(userId), "auth.sessions", { userId });
      assert.deepEqual(
        items.map(({ id }) => id),
        [kept.sessionId],
      );
      await assert.rejects(auth.call("auth.refresh", { refreshToken: other.refreshToken }), {
        type: "SESSION_ENDED",
      });
    });

    it("an API token acts with its scopes, never with more than its owner, until it is revoked", async () => {
      const userId = await makeUser("program1", "operator");
      const held: Permission[] = ["task.read", "task.write"];
      const make = (scopes: Permission[]) =>
        auth.callAs(as(userId, ...held), "auth.createToken", {
          userId,
          name: "backup",
          scopes,
          expiresAt: null,
        });
      await assert.rejects(make(["user.write"]), forbidden);
      const { token, id } = await make(["task.read"]);
      const hash = createHash("sha256").update(token).digest("hex");
      const identify = () => auth.call("auth.identify", { hash });
      assert.partialDeepStrictEqual(await identify(), {
        userId,
        login: "program1",
        permissions: ["task.read"],
      });
      const { items } = await auth.callAs(as(userId), "auth.tokens", { userId });
      assert.ok(items[0]?.lastUsedAt && !JSON.stringify(items).includes(token));
      const viewer = await roleId("viewer");
      await auth.call("auth.changeUser", {
        id: userId,
        ...fields,
        name: "program1",
        roleIds: [viewer],
        isActive: false,
      });
      assert.equal(await identify(), null, "its owner is not active");
      await auth.call("auth.changeUser", { id: userId, ...fields, name: "program1", roleIds: [viewer] });
      assert.deepEqual(await auth.callAs(as(userId), "auth.revokeToken", { userId, tokenId: id }), {
        revoked: true,
      });
      assert.equal(await identify(), null);
    });

    it("an API token of another user cannot be revoked, listed or made", async () => {
      const thief = as(await makeUser("thief2", "operator"), "task.write");
      const params = { userId: adminId, name: "x", scopes: ["task.write"] as Permission[], expiresAt: null };
      await assert.rejects(auth.callAs(thief, "auth.createToken", params), forbidden);
      await assert.rejects(auth.callAs(thief, "auth.tokens", { userId: adminId }), forbidden);
      const revoke = { userId: adminId, tokenId: "66f2a1b00a1b2c3d4e5f6070" };
      await assert.rejects(auth.callAs(thief, "auth.revokeToken", revoke), forbidden);
    });

    it("a user gains no permissions that they do not have", async () => {
      const userId = await makeUser("clerk", "viewer");
      const clerk = as(userId, "user.write", "user.read", "role.write", "role.read", "task.read");
      const admin = await roleId("admin");
      const body = { ...fields, name: "clerk", roleIds: [admin] };
      await assert.rejects(auth.callAs(clerk, "auth.changeUser", { id: userId, ...body }), forbidden);
      await assert.rejects(auth.callAs(clerk, "auth.createUser", body), forbidden);
      const takeOver = { userId: adminId, login: "admin", password: PASSWORD };
      await assert.rejects(auth.callAs(clerk, "auth.setLogin", takeOver), forbidden);
      await assert.rejects(auth.callAs(clerk, "auth.deleteUsers", { ids: [adminId] }), forbidden);
      const viewer = await roleId("viewer");
      const widen = { roleId: viewer, permissions: ["task.write"] as Permission[] };
      await assert.rejects(auth.callAs(clerk, "auth.setRolePermissions", widen), forbidden);
      const everythingRole = { roleId: admin, permissions: [] };
      await assert.rejects(auth.callAs(clerk, "auth.setRolePermissions", everythingRole), forbidden);
    });

    it("a role with the key of the administrators allows nothing", async () => {
      const { id } = await auth.call("auth.createRole", { name: "fake", roleKey: "admin", isActive: true });
      assert.deepEqual(await auth.call("auth.rolePermissions", { roleId: id }), { permissions: [] });
    });

    it("a caller without the permission of an action gets nowhere", async () => {
      const viewer = as(await makeUser("viewer2", "viewer"), "task.read");
      await assert.rejects(
        auth.callAs(viewer, "auth.createUser", { ...fields, name: "x", roleIds: [] }),
        forbidden,
      );
      await assert.rejects(auth.callAs(viewer, "auth.deleteRoles", { ids: [1] }), forbidden);
    });

    it("two users cannot have one login", async () => {
      const userId = await makeUser("first", "viewer");
      await makeUser("second", "viewer");
      const taken = { userId, login: "SECOND", password: PASSWORD };
      await assert.rejects(auth.call("auth.setLogin", taken), { type: "LOGIN_TAKEN" });
    });
  });
}
