import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Identity } from "../../../shared/contracts/access-token.ts";
import { clientAddresses } from "./client-address.ts";
import { credentialOf } from "./credential.ts";
import { OpaqueTokens } from "./opaque-tokens.ts";
import { RateLimit } from "./rate-limit.ts";
import { Revocations } from "./revocations.ts";
import { isSameOrigin } from "./same-origin.ts";

describe("the address of a client", () => {
  const address = (remoteAddress: string, forwarded: string | undefined, trusted: readonly string[]) =>
    clientAddresses(trusted)({
      socket: { remoteAddress } as never,
      headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    });

  for (const [what, remote, forwarded, trusted, expected] of [
    [
      "without trusted proxies is the connection's, whatever a header says",
      "192.0.2.1",
      "10.0.0.1",
      [],
      "192.0.2.1",
    ],
    [
      "of another host than a trusted proxy is the connection's",
      "192.0.2.1",
      "10.0.0.1",
      ["10.0.0.0/8"],
      "192.0.2.1",
    ],
    [
      "behind a trusted proxy is the one that it reports",
      "10.0.0.2",
      "192.0.2.7",
      ["10.0.0.0/8"],
      "192.0.2.7",
    ],
    [
      "behind two trusted proxies is in front of both",
      "10.0.0.2",
      "192.0.2.7, 10.0.0.3",
      ["10.0.0.0/8"],
      "192.0.2.7",
    ],
    [
      "is not one that the client wrote in front",
      "10.0.0.2",
      "1.2.3.4, 192.0.2.7",
      ["10.0.0.2"],
      "192.0.2.7",
    ],
    ["is not text that is no address", "10.0.0.2", "admin, ' or 1=1", ["10.0.0.2"], "10.0.0.2"],
    ["is that of the proxy where it reports none", "10.0.0.2", undefined, ["10.0.0.2"], "10.0.0.2"],
    ["may be IPv6", "::1", "2001:db8::7", ["::1"], "2001:db8::7"],
    ["is IPv4 also on a socket for both", "::ffff:10.0.0.2", "192.0.2.7", ["10.0.0.2"], "192.0.2.7"],
  ] as const) {
    it(what, () => assert.equal(address(remote, forwarded, trusted), expected));
  }
});

describe("the credential of a request", () => {
  it("is a bearer token", () => {
    assert.deepEqual(credentialOf({ authorization: "Bearer a.b.c" }), {
      kind: "access token",
      text: "a.b.c",
    });
    assert.deepEqual(credentialOf({ authorization: "bearer kft_x" }), { kind: "API token", text: "kft_x" });
  });
  it("is a session cookie among others", () => {
    const cookie = "theme=dark; kinit_session=abc; x=y";
    assert.deepEqual(credentialOf({ cookie }), { kind: "cookie", text: "abc" });
    assert.deepEqual(credentialOf({ cookie: "my_kinit_session=abc" }), { kind: "none" });
  });
  it("is the header, where there is a cookie as well", () => {
    assert.equal(
      credentialOf({ authorization: "Basic eDp5", cookie: "kinit_session=abc" }).kind,
      "malformed",
    );
  });
  for (const authorization of [
    "",
    "Bearer",
    "Bearer a b",
    "Basic eDp5",
    "Bearer a\u0000",
    `Bearer ${"a".repeat(5000)}`,
  ])
    it(`is malformed in '${authorization.slice(0, 12)}'`, () =>
      assert.deepEqual(credentialOf({ authorization }), { kind: "malformed" }));
});

describe("a change with a session cookie", () => {
  const host = "127.0.0.1:9000";
  for (const [what, method, headers, isAccepted] of [
    ["of a page of this server is accepted", "POST", { host, origin: "http://127.0.0.1:9000" }, true],
    ["of a page of another port is not", "POST", { host, origin: "http://127.0.0.1:3000" }, false],
    ["of a page of another site is not", "POST", { host, origin: "https://evil.example" }, false],
    ["of a page without origin is not", "POST", { host, origin: "null" }, false],
    ["without origin is not", "POST", { host }, false],
    [
      "that the browser calls same-origin is accepted",
      "PUT",
      { host, "sec-fetch-site": "same-origin" },
      true,
    ],
    ["that the browser calls same-site is not", "PUT", { host, "sec-fetch-site": "same-site" }, false],
  ] as const) {
    it(what, () => assert.equal(isSameOrigin({ method, headers }), isAccepted));
  }
  it("is no reading request, whose response other pages cannot see", () =>
    assert.ok(isSameOrigin({ method: "GET", headers: { host, origin: "https://evil.example" } })));
});

describe("the rate limit", () => {
  it("admits a burst, then one request for each share of the minute", () => {
    const limit = new RateLimit(60);
    for (let request = 0; request < 60; request++) assert.equal(limit.take("a", 0), 0);
    assert.equal(limit.take("a", 0), 1000);
    assert.equal(limit.take("a", 600), 400);
    assert.equal(limit.take("a", 1000), 0);
    assert.equal(limit.take("b", 0), 0, "others are not affected");
  });
  it("of 0 admits everything", () => assert.equal(new RateLimit(0).take("a", 0), 0));
  it("does not grant more when the clock steps back", () => {
    const limit = new RateLimit(1);
    assert.equal(limit.take("a", 100_000), 0);
    assert.ok(limit.take("a", 0) > 0);
  });
});

describe("revocations", () => {
  const token = { userId: 7, sessionId: "s1", issuedAt: 1000 };
  const after = (revocation: object) => {
    const revocations = new Revocations(600_000);
    revocations.add(revocation, 2000);
    return revocations;
  };
  it("of a session reject all its tokens", () => {
    assert.ok(after({ sessionIds: ["s1"] }).isRevoked({ ...token, issuedAt: 3000 }));
    assert.ok(!after({ sessionIds: ["s2"] }).isRevoked(token));
  });
  it("of a user reject the tokens that were issued before", () => {
    assert.ok(after({ userIds: [7] }).isRevoked(token));
    assert.ok(!after({ userIds: [7] }).isRevoked({ ...token, issuedAt: 2000 }));
    assert.ok(!after({ userIds: [8] }).isRevoked(token));
  });
  it("for all reject every token that was issued before", () =>
    assert.ok(after({ isForAll: true }).isRevoked(token)));
  it("are dropped once no token of the time can be valid", () => {
    const revocations = after({ sessionIds: ["s1"] });
    revocations.add({ sessionIds: ["s2"] }, 602_001);
    assert.ok(!revocations.isRevoked(token));
  });
});

describe("opaque tokens", () => {
  const anna: Identity = { userId: 7, login: "anna", sessionId: null, permissions: ["task.read"] };
  function tokens() {
    const state = { now: 0, calls: [] as string[], reply: anna as Identity | null | Error };
    const identify = async (hash: string) => {
      state.calls.push(hash);
      if (state.reply instanceof Error) throw state.reply;
      return state.reply;
    };
    return { state, opaque: new OpaqueTokens({ identify, now: () => state.now }) };
  }
  it("are looked up by their hash, once in ten seconds", async () => {
    const { state, opaque } = tokens();
    assert.deepEqual(await Promise.all([opaque.verify("kft_x"), opaque.verify("kft_x")]), [anna, anna]);
    await opaque.verify("kft_x");
    assert.equal(state.calls.length, 1);
    assert.match(state.calls[0] ?? "", /^[0-9a-f]{64}$/);
    state.now = 10_000;
    state.reply = null;
    assert.equal(await opaque.verify("kft_x"), null);
  });
  it("are looked up at once after a revocation", async () => {
    const { state, opaque } = tokens();
    await opaque.verify("kft_x");
    state.reply = null;
    opaque.expireAll();
    assert.equal(await opaque.verify("kft_x"), null);
  });
  it("stay valid for five minutes while the auth service is away", async () => {
    const { state, opaque } = tokens();
    await opaque.verify("kft_x");
    state.reply = new Error("away");
    state.now = 299_999;
    assert.deepEqual(await opaque.verify("kft_x"), anna);
    state.now = 300_000;
    await assert.rejects(opaque.verify("kft_x"), /away/);
  });
});
