import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { assertAllowedHost, guardedLookup, isForbiddenAddress } from "./address-guard.ts";

describe("address guard", () => {
  const forbidden = [
    "127.0.0.1",
    "127.255.0.9",
    "0.0.0.0",
    "10.1.2.3",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "172.31.255.255",
    "192.168.1.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
  ];
  for (const address of forbidden) {
    it(`rejects ${address}`, () => assert.equal(isForbiddenAddress(address), true));
  }
  for (const address of ["1.1.1.1", "172.32.0.1", "100.128.0.1", "::ffff:1.1.1.1", "2606:4700::1111"]) {
    it(`accepts ${address}`, () => assert.equal(isForbiddenAddress(address), false));
  }

  const urls = [
    "http://2130706433/",
    "http://0x7f.1/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]:80/",
    "http://127.1",
  ];
  for (const url of urls) {
    it(`rejects the host of ${url}`, () => {
      assert.throws(() => assertAllowedHost(new URL(url)), { type: "HTTP_ADDRESS_FORBIDDEN" });
    });
  }

  it("rejects a name that resolves to a forbidden address", async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    guardedLookup("localhost", { all: true }, resolve);
    assert.equal(((await promise) as { type?: string }).type, "HTTP_ADDRESS_FORBIDDEN");
  });
});
