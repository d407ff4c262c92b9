import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hash } from "@node-rs/argon2";
import { generatedPassword } from "./generated-password.ts";
import { passwordHash } from "./password-hash.ts";
import { passwordFault } from "./password-strength.ts";

describe("the strength of a password", () => {
  for (const [password, fault] of [
    ["short-one", "TOO_SHORT"],
    ["x".repeat(257), "TOO_LONG"],
    ["aaaaaaaaaaaabb", "TOO_SIMPLE"],
    ["Password123456!", "COMMON"],
    ["12345678901234", "COMMON"],
    ["qwertyuiop[]", "COMMON"],
    ["adminadmin2026!", "COMMON"],
    ["my-anna-loves-tea", "CONTAINS_LOGIN"],
    ["correct horse battery", undefined],
    ["钥匙在门口的花盆底下不要告诉别人", undefined],
  ] as const) {
    it(`${password.slice(0, 24)} is ${fault ?? "accepted"}`, () =>
      assert.equal(passwordFault(password, "Anna"), fault));
  }
  it("takes linear time for any text", () => {
    const started = performance.now();
    passwordFault(`${"pass".repeat(60)}!x`, "anna");
    assert.ok(performance.now() - started < 100);
  });
});

describe("a generated password", () => {
  it("is accepted, and is another one each time", () => {
    const made = Array.from({ length: 100 }, generatedPassword);
    assert.equal(new Set(made).size, 100);
    for (const password of made) assert.equal(passwordFault(password, "admin"), undefined, password);
  });
});

describe("password hashes", () => {
  const passwords = passwordHash();

  it("are argon2id with a salt of their own", async () => {
    const [one, two] = await Promise.all([
      passwords.hash("the same words"),
      passwords.hash("the same words"),
    ]);
    assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.notEqual(one, two);
    assert.ok(await passwords.matches("the same words", one));
    assert.ok(!(await passwords.matches("other words", one)));
  });
  it("match nothing where none is stored", async () => {
    assert.equal(await passwords.matches("the password of no user", null), false);
  });
  it("with lower costs are outdated", async () => {
    const cheap = await hash("words", { memoryCost: 8192, timeCost: 1 });
    assert.ok(passwords.isOutdated(cheap));
    assert.ok(!passwords.isOutdated(await passwords.hash("words")));
  });
  it("are rejected when too many wait", async () => {
    const busy = passwordHash();
    const results = await Promise.allSettled(Array.from({ length: 80 }, () => busy.matches("x", null)));
    const types = results.flatMap((result) => (result.status === "rejected" ? result.reason.type : []));
    assert.deepEqual(types, Array(80 - 2 - 64).fill("LOGIN_BUSY"));
    assert.equal(await busy.matches("x", null), false, "there is room again");
  });
});
