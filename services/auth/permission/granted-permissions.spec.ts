import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PERMISSIONS } from "../../../shared/contracts/permissions.ts";
import { grantedBy, notHeld, scopedTo } from "./granted-permissions.ts";
import { readyMadeRoles } from "./ready-made-roles.ts";

const role = (key: string) => {
  const found = readyMadeRoles.find((known) => known.key === key);
  assert.ok(found);
  return { ...found, isActive: true };
};

describe("the ready-made roles", () => {
  it("are four, with keys that the original's column holds", () => {
    assert.deepEqual(
      readyMadeRoles.map(({ key }) => key),
      ["admin", "operator", "viewer", "program"],
    );
    assert.ok(readyMadeRoles.every(({ key }) => key.length <= 11));
  });
  it("give only the administrator power over users and roles", () => {
    for (const { key, permissions } of readyMadeRoles.slice(1)) {
      assert.deepEqual(
        permissions.filter((permission) => /^(user|role)\.|^system\.write$/.test(permission)),
        [],
        key,
      );
    }
  });
  it("let a viewer change nothing", () => {
    assert.ok(role("viewer").permissions.every((permission) => permission.endsWith(".read")));
  });
});

describe("what roles grant", () => {
  it("is the union of the active ones, each permission once", () => {
    assert.deepEqual(grantedBy([role("viewer"), role("viewer")]), role("viewer").permissions);
    const union = grantedBy([role("viewer"), role("program")]);
    assert.ok(union.includes("task.write") && union.includes("hotlist.read"));
    assert.equal(new Set(union).size, union.length);
  });
  it("is nothing for an inactive role, even the administrator's", () => {
    assert.deepEqual(grantedBy([{ ...role("admin"), isActive: false }]), []);
  });
  it("is everything for the administrators' role, and nothing for another one with its key", () => {
    assert.deepEqual(grantedBy([role("admin")]), PERMISSIONS);
    assert.deepEqual(grantedBy([{ ...role("admin"), permissions: [] }]), []);
  });
  it("leaves out stored names that no permission has", () => {
    const odd = { isActive: true, permissions: ["task.read", "**", "__proto__", "constructor"] };
    assert.deepEqual(grantedBy([odd]), ["task.read"]);
  });
});

describe("scopes and grants", () => {
  it("a token may never do more than its owner", () => {
    assert.deepEqual(scopedTo(["task.read", "user.write"], ["task.read", "task.write"]), ["task.read"]);
  });
  it("a permission that somebody does not hold is named", () => {
    assert.equal(notHeld(["task.read", "role.write"], ["task.read"]), "role.write");
    assert.equal(notHeld(["task.read"], ["task.read"]), undefined);
  });
});
