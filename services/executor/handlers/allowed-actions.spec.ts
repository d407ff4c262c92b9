import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readConfig } from "../../../shared/config.ts";
import { actions } from "../../../shared/contracts/actions.ts";
import { isAllowed } from "./allowed-actions.ts";

const allowedBy = (list: string) => {
  const { moleculerCallAllow } = readConfig({ MOLECULER_CALL_ALLOW: list });
  return (action: string) => isAllowed(action, moleculerCallAllow);
};

describe("MOLECULER_CALL_ALLOW", () => {
  it("includes no action of the platform by default, and every action of other services", () => {
    const own = [...Object.keys(actions), "$node.list", "$node.actions", "gateway.rest", "auth"];
    assert.deepEqual(own.filter(allowedBy("")), []);
    assert.deepEqual(["mail.send", "v2.mail.send", "authors.list"].filter(allowedBy("")), [
      "mail.send",
      "v2.mail.send",
      "authors.list",
    ]);
  });

  it("includes the names and services that it lists, in their own case", () => {
    const isIncluded = allowedBy("scheduler.runNow, mail.* ,v2.mail.*");
    for (const action of ["scheduler.runNow", "mail.send", "mail.in.read", "v2.mail.send"]) {
      assert.ok(isIncluded(action), action);
    }
    for (const action of [
      "scheduler.runnow",
      "scheduler.runNowX",
      "scheduler.create",
      "mails.send",
      "math.add",
    ]) {
      assert.ok(!isIncluded(action), action);
    }
    assert.ok(allowedBy("crawler.*")("crawler.crawl"));
  });

  for (const list of [
    "auth.setLogin",
    "auth.*",
    "executor.*",
    "$node.list",
    "gateway.*",
    "scheduler",
    "*.list",
  ]) {
    it(`cannot be ${list}`, () => {
      assert.throws(() => readConfig({ MOLECULER_CALL_ALLOW: list }), { type: "CONFIG_INVALID" });
    });
  }

  it("includes no internal action, not even if it is named", () => {
    assert.equal(isAllowed("auth.setLogin", ["auth.setLogin", "auth.*"]), false);
  });
});
