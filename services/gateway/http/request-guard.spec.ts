import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type GuardConfig, isFromBrowser, requestGuard } from "./request-guard.ts";

const local: GuardConfig = { serverHost: "127.0.0.1", serverNames: [], allowedOrigins: [] };
const open: GuardConfig = { ...local, serverHost: "0.0.0.0" };
const named: GuardConfig = { ...open, serverNames: ["tasks.example.org", ".internal"] };

describe("the guard against foreign pages", () => {
  const hosts: readonly [what: string, config: GuardConfig, host: string | undefined, isAccepted: boolean][] =
    [
      ["loopback by name", local, "localhost:9000", true],
      ["loopback in capitals, with the root's dot", local, "LocalHost.:9000", true],
      ["loopback by address", local, "127.0.0.1:9000", true],
      ["another address of loopback", local, "127.8.9.1", true],
      ["loopback in IPv6", local, "[::1]:9000", true],
      ["any other port", local, "127.0.0.1:1", true],
      ["none, as HTTP/1.0 has it", local, undefined, true],
      ["a foreign name", local, "evil.example:9000", false],
      ["a name below localhost", local, "evil.localhost", false],
      ["a name that begins like loopback", local, "127.0.0.1.evil.example", false],
      ["an address that is not bound", local, "10.1.2.3:9000", false],
      ["something that is no host", local, "127.0.0.1@evil.example", false],
      ["an empty one", local, "", false],
      ["any IPv4 address where all are bound", open, "10.1.2.3:9000", true],
      ["any IPv6 address where all are bound", open, "[fd00::7]:9000", true],
      ["a foreign name where all are bound", open, "evil.example", false],
      ["loopback where all are bound", open, "localhost", true],
      ["a configured name", named, "Tasks.Example.org:443", true],
      ["a name below a configured one", named, "gateway.prod.internal", true],
      ["a name that ends like a configured one", named, "eviltasks.example.org", false],
      ["a name that ends like a suffix without its dot", named, "evilinternal", false],
      ["any name where all are taken", { ...open, serverNames: ["*"] }, "whatever.example", true],
      ["the name that is bound", { ...local, serverHost: "Box.lan" }, "box.lan:9000", true],
      ["the IPv6 address that is bound", { ...local, serverHost: "FD00::7" }, "[fd00::7]:9000", true],
    ];
  for (const [what, config, host, isAccepted] of hosts) {
    it(`${isAccepted ? "accepts" : "rejects"} as Host ${what}`, () => {
      const rejection = requestGuard(config)({ method: "GET", headers: host === undefined ? {} : { host } });
      assert.equal(rejection === undefined, isAccepted);
      if (rejection) assert.match(JSON.stringify(rejection), /403.*SERVER_NAMES/);
    });
  }

  const page = {
    ...named,
    allowedOrigins: ["https://console.example.org", "chrome-extension://abc", "null"],
  };
  const origins: readonly [
    what: string,
    config: GuardConfig,
    headers: Record<string, string>,
    isAccepted: boolean,
  ][] = [
    ["of the same server", local, { host: "127.0.0.1:9000", origin: "http://127.0.0.1:9000" }, true],
    ["of loopback, another port", local, { host: "127.0.0.1:9000", origin: "http://localhost:5173" }, true],
    [
      "of the same server backend TLS",
      named,
      { host: "tasks.example.org", origin: "https://tasks.example.org" },
      true,
    ],
    ["of an own name behind a proxy", named, { host: "10.0.0.1", origin: "https://tasks.example.org" }, true],
    ["of the address that was called", open, { host: "10.0.0.1:9000", origin: "http://10.0.0.1:9000" }, true],
    ["of another address", open, { host: "10.0.0.1:9000", origin: "http://10.6.6.6" }, false],
    ["of a foreign page", local, { host: "127.0.0.1:9000", origin: "https://evil.example" }, false],
    ["of no page", local, { host: "127.0.0.1:9000", origin: "null" }, false],
    ["of an extension", local, { host: "127.0.0.1:9000", origin: "chrome-extension://abc" }, false],
    [
      "of any name where all names are taken",
      { ...open, serverNames: ["*"] },
      { host: "a", origin: "http://b" },
      false,
    ],
    ["of a configured page", page, { host: "10.0.0.1", origin: "https://console.example.org" }, true],
    [
      "of a configured page, from another site",
      page,
      { host: "10.0.0.1", origin: "https://Console.example.org", "sec-fetch-site": "cross-site" },
      true,
    ],
    ["of a configured extension", page, { host: "10.0.0.1", origin: "chrome-extension://abc" }, true],
    ["of no page, configured", page, { host: "10.0.0.1", origin: "null" }, true],
    [
      "of a configured page's neighbour",
      page,
      { host: "10.0.0.1", origin: "https://console.example.org.evil" },
      false,
    ],
    [
      "of loopback, called cross-site",
      local,
      { host: "127.0.0.1", origin: "http://localhost", "sec-fetch-site": "cross-site" },
      false,
    ],
    [
      "that is not told, called cross-site",
      local,
      { host: "127.0.0.1", "sec-fetch-site": "cross-site" },
      false,
    ],
    [
      "that is not told, of the same origin",
      local,
      { host: "127.0.0.1", "sec-fetch-site": "same-origin" },
      true,
    ],
  ];
  for (const [what, config, headers, isAccepted] of origins) {
    it(`${isAccepted ? "accepts" : "rejects"} a change from a page ${what}`, () => {
      const rejection = requestGuard(config)({ method: "POST", headers });
      assert.equal(rejection === undefined, isAccepted);
      if (rejection) assert.match(JSON.stringify(rejection), /403.*ALLOWED_ORIGINS/);
    });
  }

  it("lets a link on another site lead here", () => {
    const headers = { host: "127.0.0.1", "sec-fetch-site": "cross-site" };
    assert.equal(requestGuard(local)({ method: "GET", headers }), undefined);
  });

  it("recognises browsers by the headers that only they set", () => {
    assert.ok(isFromBrowser({ headers: { origin: "http://localhost" } }));
    assert.ok(isFromBrowser({ headers: { "sec-fetch-site": "none" } }));
    assert.ok(!isFromBrowser({ headers: { "user-agent": "curl", "sec-fetch-mode": "cors" } }));
  });
});
