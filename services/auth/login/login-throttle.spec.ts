import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LoginThrottle } from "./login-throttle.ts";

const t0 = 1_000_000;
const anna = { login: "anna", address: "192.0.2.1", now: t0 };

function failing(times: number, attempt = anna, throttle = new LoginThrottle()): LoginThrottle {
  for (let count = 0; count < times; count++) throttle.failed(attempt);
  return throttle;
}

describe("the throttle of logins", () => {
  it("lets the first failures of an account from an address pass", () => {
    assert.equal(failing(4).waitMs(anna), 0);
    assert.equal(failing(5).waitMs(anna), 1000);
  });
  it("doubles the wait with each further failure, up to 15 minutes", () => {
    assert.deepEqual(
      [6, 7, 8].map((times) => failing(times).waitMs(anna)),
      [2000, 4000, 8000],
    );
    assert.equal(failing(200).waitMs(anna), 15 * 60_000);
  });
  it("counts the wait from the last failure", () => {
    assert.equal(failing(5).waitMs({ ...anna, now: t0 + 400 }), 600);
    assert.equal(failing(5).waitMs({ ...anna, now: t0 + 1000 }), 0);
  });
  it("ignores the case of the login", () =>
    assert.equal(failing(5).waitMs({ ...anna, login: "ANNA" }), 1000));
  it("does not slow another account from another address", () =>
    assert.equal(failing(100).waitMs({ ...anna, login: "ben", address: "192.0.2.2" }), 0));
  it("starts again after a success", () => {
    const throttle = failing(5);
    throttle.succeeded(anna);
    assert.equal(throttle.waitMs(anna), 0);
  });
  it("slows an address that tries many accounts", () => {
    const throttle = new LoginThrottle();
    for (let user = 0; user < 20; user++) throttle.failed({ ...anna, login: `user${user}` });
    assert.equal(throttle.waitMs({ ...anna, login: "another" }), 1000);
  });
  it("slows an account that many addresses try, by ten seconds at most", () => {
    const throttle = new LoginThrottle();
    for (let host = 0; host < 200; host++) throttle.failed({ ...anna, address: `198.51.100.${host}` });
    assert.equal(throttle.waitMs({ ...anna, address: "203.0.113.9" }), 10_000);
  });
  it("does not slow the owner at an address that logged in before, whatever others do", () => {
    const throttle = new LoginThrottle();
    throttle.succeeded(anna);
    for (let host = 0; host < 200; host++) throttle.failed({ ...anna, address: `198.51.100.${host}` });
    assert.equal(throttle.waitMs(anna), 0);
  });
  it("drops failures an hour after the last one", () => {
    const throttle = failing(10);
    const later = { ...anna, now: t0 + 3_600_001 };
    throttle.failed(later);
    assert.equal(throttle.waitMs(later), 0);
  });
  it("keeps a bounded number of failures", () => {
    const throttle = failing(5);
    for (let user = 0; user < 20_000; user++)
      throttle.failed({ ...anna, login: `u${user}`, address: `a${user}` });
    assert.equal(throttle.waitMs(anna), 0);
  });
});
