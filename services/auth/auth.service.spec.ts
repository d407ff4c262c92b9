import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { commandHeaders } from "../../shared/contracts/command.ts";
import { objectId } from "../../shared/ids.ts";
import { eventually } from "../../test/eventually.ts";
import { postgresKinds, type TestPostgres } from "../../test/postgres.ts";
import { type AuthUnderTest, startAuth } from "./auth.fixture.ts";
import { migrateDatabase } from "./store/open-migrations.ts";

const role = { name: "管理员", roleKey: "admin", isActive: true };
const user = { name: "kinit", telephone: "13800000000", email: null, isActive: true, age: 30, roleIds: [] };
const everything = { page: 1, limit: 0 } as const;

for (const { name, start, skip } of postgresKinds) {
  describe(`auth on ${name}`, { skip }, () => {
    let postgres: TestPostgres;
    let auth: AuthUnderTest;
    before(async () => {
      postgres = await start();
      if (postgres.ormDatabaseUrl) await migrateDatabase({ ...postgres, ormDatabaseEcho: false });
      auth = await startAuth(postgres);
    });
    after(async () => {
      await auth?.stop();
      await postgres?.close();
    });
    beforeEach(async () => {
      for (const { id } of (await auth.call("auth.listUsers", everything)).items)
        await auth.call("auth.deleteUsers", { ids: [id] });
      for (const { id } of (await auth.call("auth.listRoles", everything)).items)
        await auth.call("auth.deleteRoles", { ids: [id] });
    });
    const eventsOf = async (subject: string, count: number) => {
      const found = () => auth.events.filter((event) => event.subject === subject);
      await eventually(() => found().length >= count);
      return found().map(({ type }) => type);
    };

    it("stores a role, its changes and its end, and publishes each in order", async () => {
      const { id } = await auth.call("auth.createRole", role);
      const view = await auth.call("auth.getRole", { id });
      assert.partialDeepStrictEqual(view, { id, ...role });
      assert.match(view.createdAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      assert.deepEqual(await auth.call("auth.changeRole", { id, ...role, name: "other" }), { changed: true });
      assert.deepEqual(await auth.call("auth.changeRole", { id, ...role, name: "other" }), {
        changed: false,
      });
      assert.equal((await auth.call("auth.getRole", { id })).name, "other");
      assert.deepEqual(await auth.call("auth.deleteRoles", { ids: [id, 999_999_999] }), { deleted: 1 });
      assert.deepEqual(await eventsOf(`role-${id}`, 3), ["role.created", "role.changed", "role.deleted"]);
    });

    it("creates several roles or, if one is invalid, none", async () => {
      const { ids } = await auth.call("auth.createRoles", { roles: [role, { ...role, name: "second" }] });
      assert.equal(ids.length, 2);
      const invalid = { ...role, roleKey: "longer than eleven" };
      await assert.rejects(auth.call("auth.createRoles", { roles: [role, invalid] }), {
        type: "VALIDATION_ERROR",
      });
      assert.equal((await auth.call("auth.listRoles", everything)).total, 2);
      assert.deepEqual(await auth.call("auth.createRoles", { roles: [] }), { ids: [] });
    });

    for (const id of [999_999_999, 0, -1, 2 ** 40]) {
      it(`finds nothing under the id ${id}`, async () => {
        const error = { type: "ROW_NOT_FOUND" };
        await assert.rejects(auth.call("auth.getRole", { id }), error);
        await assert.rejects(auth.call("auth.changeRole", { id, ...role }), error);
        await assert.rejects(auth.call("auth.deleteRoles", { ids: [id] }), error);
        await assert.rejects(auth.call("auth.deleteRoles", { ids: [] }), error);
      });
    }

    it("gives a user those of its roles that exist, and takes them away", async () => {
      const { ids } = await auth.call("auth.createRoles", { roles: [role, { ...role, name: "second" }] });
      const [first = 0, second = 0] = ids;
      const roleIds = [second, first, first, 999_999_999];
      const { id } = await auth.call("auth.createUser", { ...user, roleIds });
      const rolesOf = async () => (await auth.call("auth.getUser", { id })).roles.map((held) => held.id);
      assert.deepEqual(await rolesOf(), [first, second]);
      await auth.call("auth.deleteRoles", { ids: [second] });
      assert.deepEqual(await rolesOf(), [first]);
      await auth.call("auth.changeUser", { id, ...user, roleIds: [] });
      assert.deepEqual(await rolesOf(), []);
      assert.deepEqual(await eventsOf(`user-${id}`, 2), ["user.created", "user.changed"]);
    });

    it("changes nothing again if a call is repeated", async () => {
      const headers = commandHeaders({ id: objectId(), deadline: Date.now() + 60_000 });
      const first = await auth.call("auth.createRole", role, headers);
      assert.deepEqual(await auth.call("auth.createRole", role, headers), first);
      const batch = commandHeaders({ id: objectId(), deadline: Date.now() + 60_000 });
      const both = await auth.call("auth.createRoles", { roles: [role, role] }, batch);
      assert.deepEqual(await auth.call("auth.createRoles", { roles: [role, role] }, batch), both);
      assert.equal((await auth.call("auth.listRoles", everything)).total, 3);
    });

    it("stores all changes of one row that arrive at the same moment", async () => {
      const { id } = await auth.call("auth.createRole", role);
      const names = Array.from({ length: 10 }, (_, index) => `name ${index}`);
      await Promise.all(names.map((changed) => auth.call("auth.changeRole", { id, ...role, name: changed })));
      assert.equal((await eventsOf(`role-${id}`, 11)).length, 11);
      assert.ok(names.includes((await auth.call("auth.getRole", { id })).name));
    });

    it("lists a page at a time, sorted by any field, without deleted rows", async () => {
      const roles = ["b", "a", "c"].map((letter) => ({ ...role, name: letter }));
      const { ids } = await auth.call("auth.createRoles", { roles });
      const { items, total } = await auth.call("auth.listRoles", {
        page: 2,
        limit: 2,
        orderField: "name",
        order: "desc",
      });
      assert.deepEqual([items.map((row) => row.name), total], [["a"], 3]);
      await auth.call("auth.deleteRoles", { ids: ids.slice(0, 1) });
      const left = await auth.call("auth.listRoles", everything);
      assert.deepEqual([left.items.map((row) => row.id), left.total], [ids.slice(1), 2]);
      const rows = await auth.call("auth.roleRows", { ids: [...ids].reverse() });
      assert.deepEqual([rows.items.map((row) => row.id), rows.taken], [[ids[2], ids[1]], 3]);
    });

    it("counts the users of each of the last days", async () => {
      await auth.call("auth.createUser", user);
      const counts = Object.entries(await auth.call("auth.newUsersByDay", { days: 31 }));
      const today = new Date().toISOString().slice(0, 10);
      assert.equal(counts.length, 31);
      assert.deepEqual(counts.at(-1), [today, 1]);
      assert.ok(counts.slice(0, -1).every(([, count]) => count === 0));
    });

    it("has the same rules for tests", async () => {
      const { id } = await auth.call("auth.createAuthTest", { ...role, age: 3 });
      assert.partialDeepStrictEqual(await auth.call("auth.getAuthTest", { id }), { ...role, age: 3 });
      await auth.call("auth.changeAuthTest", { id, ...role, age: 4 });
      await auth.call("auth.deleteAuthTests", { ids: [id] });
      const types = ["auth_test.created", "auth_test.changed", "auth_test.deleted"];
      assert.deepEqual(await eventsOf(`auth_test-${id}`, 3), types);
    });
  });
}
