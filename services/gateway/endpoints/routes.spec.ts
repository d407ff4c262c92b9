import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { actions } from "../../../shared/contracts/actions.ts";
import { apps } from "../../../shared/contracts/apps.ts";
import { indexRoutes, routes, servedRoutes, servicesOf } from "./routes.ts";

const aliasesOf = (revision: "R1" | "R2" | "own") =>
  routes.flatMap(({ paths }) => paths[revision] ?? []).sort();

describe("routes", () => {
  it("has the paths of the first revision", () => {
    assert.deepEqual(aliasesOf("R1"), [
      "DELETE /auth/role/delete",
      "DELETE /auth/user/delete",
      "GET /auth/role/list/query",
      "GET /auth/role/one/query",
      "GET /auth/user/list/query",
      "GET /auth/user/one/query",
      "GET /auth/user/recent/month/user/query",
      "GET /scheduler/task/list/query",
      "GET /scheduler/task/one/query",
      "GET /scheduler/task/record/list/query",
      "GET /system/record/operation/list/query",
      "POST /auth/role/batch/create",
      "POST /auth/role/create",
      "POST /auth/user/create",
      "POST /auth/user/orm/03/test",
      "POST /auth/user/orm/db/getter/01/test",
      "POST /auth/user/orm/db/getter/02/test",
      "POST /bilibili/hot/new/task/create",
      "POST /scheduler/task/create",
      "PUT /auth/role/update",
      "PUT /auth/user/update",
      "PUT /scheduler/task/start/task/update",
      "PUT /scheduler/task/stop/task/update",
    ]);
  });

  it("has the paths of the second revision", () => {
    assert.deepEqual(aliasesOf("R2"), [
      "GET /auth/role/list/query",
      "GET /auth/role/one/query",
      "GET /auth/test/list/query",
      "GET /auth/test/one/query",
      "GET /auth/user/list/query",
      "GET /auth/user/one/query",
      "GET /auth/user/recent/month/user/query",
      "GET /scheduler/task/list/query",
      "GET /scheduler/task/one/query",
      "GET /scheduler/task/record/list/query",
      "GET /system/record/operation/list/query",
      "POST /auth/role/batch/create",
      "POST /auth/role/create",
      "POST /auth/role/delete",
      "POST /auth/role/update",
      "POST /auth/test/create",
      "POST /auth/test/delete",
      "POST /auth/test/update",
      "POST /auth/user/create",
      "POST /auth/user/delete",
      "POST /auth/user/orm/03/test",
      "POST /auth/user/orm/db/getter/01/test",
      "POST /auth/user/orm/db/getter/02/test",
      "POST /auth/user/update",
      "POST /bilibili/hot/new/task/create",
      "POST /scheduler/task/create",
      "POST /scheduler/task/delete",
      "POST /scheduler/task/start/update",
      "POST /scheduler/task/stop/update",
      "POST /system/storage/local/audio/create",
      "POST /system/storage/local/create",
      "POST /system/storage/local/image/create",
      "POST /system/storage/local/video/create",
      "POST /system/storage/temp/image/create",
    ]);
  });

  it("ends every path of ours that runs an action with what it does", () => {
    for (const { paths, action } of routes) {
      if (action !== null && paths.own) assert.match(paths.own, /\/(query|create|update|delete)$/);
    }
  });

  it("runs only declared actions", () => {
    for (const { action } of routes) assert.ok(action === null || action in actions, String(action));
  });

  it("gives each method of a path to one route", () => {
    const aliases = routes.flatMap(({ paths }) => [...new Set(Object.values(paths))]);
    assert.equal(new Set(aliases).size, aliases.length);
    const index = indexRoutes(routes);
    assert.equal(
      [...index.values()].reduce((sum, methods) => sum + methods.size, 0),
      aliases.length,
    );
  });

  it("gives each operation of a group a name of its own", () => {
    const names = routes.map(({ operation }) => operation);
    assert.equal(new Set(names).size, names.length);
  });

  it("lets everybody see only what protects nothing", () => {
    const open = routes.filter(({ access }) => access === "public");
    assert.deepEqual(
      open.map(({ paths }) => paths.own),
      ["POST /auth/login/create", "POST /auth/session/refresh/create", "GET /", "GET /health", "GET /ready"],
    );
  });

  it("demands a permission to change for every path that changes", () => {
    for (const { paths, access } of routes) {
      const [alias = ""] = Object.values(paths);
      if (/\/(create|update|delete|upload)$/.test(alias) && access !== "public" && access !== "logged in")
        assert.match(access, /\.(write|run)$/, alias);
    }
  });

  it("lists the services of its actions", () => {
    assert.deepEqual([...servicesOf(routes)].sort(), ["auth", "crawler", "executor", "records", "scheduler"]);
  });
});

describe("the served routes", () => {
  const groupsOf = (selected: readonly string[]) => [
    ...new Set(servedRoutes(routes, selected).map(({ operation }) => operation.split(".")[0])),
  ];
  it("are in the order of the selected groups, followed by those of the platform", () => {
    assert.deepEqual(groupsOf(["system_record", "scheduler_task"]), [
      "system_record",
      "scheduler_task",
      "platform",
    ]);
    assert.deepEqual(groupsOf([]), ["platform"]);
  });
  it("are all routes by default", () => assert.equal(servedRoutes(routes, apps).length, routes.length));
});
