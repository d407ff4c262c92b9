import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { importJWK, SignJWT, UnsecuredJWT } from "jose";
import type { PublicKey } from "../../../shared/contracts/access-token.ts";
import { testKey } from "./access.fixture.ts";
import { AccessTokens } from "./access-tokens.ts";

const key = await testKey();
let now = Date.now();

function verifier(keys: readonly PublicKey[] | Error = [key.publicKey]) {
  const source = { keys, loads: 0 };
  const loadKeys = async () => {
    source.loads += 1;
    if (source.keys instanceof Error) throw source.keys;
    return source.keys;
  };
  return { source, tokens: new AccessTokens({ loadKeys, now: () => now }) };
}
const verify = async (token: string) => verifier().tokens.verify(token);

describe("access tokens", () => {
  it("say who acts and what they may do", async () => {
    const verified = await verify(await key.token());
    assert.deepEqual(verified?.identity, {
      userId: 7,
      login: "anna",
      sessionId: "66f2a1b00a1b2c3d4e5f6070",
      permissions: ["task.read"],
    });
  });

  it("are valid until they expire, also once they were verified", async () => {
    const { tokens } = verifier();
    const token = await key.token({ exp: Math.floor(now / 1000) + 60 });
    assert.ok(await tokens.verify(token));
    now += 61_000;
    assert.equal(await tokens.verify(token), undefined);
    now -= 61_000;
  });

  const rejected: readonly [what: string, token: () => Promise<string>][] = [
    ["an expired one", () => key.token({ exp: Math.floor(now / 1000) - 1 })],
    ["one without expiry", () => key.token({ exp: undefined })],
    ["one of another issuer", () => key.token({ iss: "other" })],
    ["one for another audience", () => key.token({ aud: "other" })],
    ["a refresh token", () => key.token({}, { typ: "kinit-refresh+jwt" })],
    ["one without session", () => key.token({ sid: undefined })],
    ["one whose permissions are no list", () => key.token({ permissions: "task.write" })],
    ["one whose user is no number", () => key.token({ sub: "7 or 1=1" })],
    ["one signed by a stranger with our key id", async () => (await testKey()).token()],
    [
      "one whose payload was replaced",
      async () => {
        const [header, , signature] = (await key.token()).split(".");
        const [, payload] = (await key.token({ permissions: ["user.write"] })).split(".");
        return `${header}.${payload}.${signature}`;
      },
    ],
    [
      "one of the algorithm none",
      async () =>
        new UnsecuredJWT({ sid: "s", login: "anna", permissions: ["user.write"] })
          .setSubject("7")
          .setIssuer("kinit")
          .setAudience("kinit")
          .setIssuedAt()
          .setExpirationTime("1h")
          .encode(),
    ],
    [
      "one whose header names none and keeps the signature",
      async () => {
        const [, payload, signature] = (await key.token()).split(".");
        const header = Buffer.from('{"alg":"none","typ":"at+jwt","kid":"k1"}').toString("base64url");
        return `${header}.${payload}.${signature}`;
      },
    ],
    [
      "one signed with the public key as a shared secret",
      async () =>
        new SignJWT({ sid: "s", login: "anna", permissions: ["user.write"] })
          .setProtectedHeader({ alg: "HS256", kid: "k1", typ: "at+jwt" })
          .setSubject("7")
          .setIssuer("kinit")
          .setAudience("kinit")
          .setIssuedAt()
          .setExpirationTime("1h")
          .sign(await importJWK({ kty: "oct", k: key.publicKey.x }, "HS256")),
    ],
    [
      "one that brings its own key",
      async () => {
        const stranger = await testKey();
        return stranger.token({}, { jwk: stranger.publicKey });
      },
    ],
    ["text that is no token", async () => "a.b.c"],
  ];
  for (const [what, token] of rejected)
    it(`do not include ${what}`, async () => assert.equal(await verify(await token()), undefined));

  it("grant nothing that no permission is named", async () => {
    const verified = await verify(await key.token({ permissions: ["task.read", "*", "__proto__", 7] }));
    assert.deepEqual(verified?.identity.permissions, ["task.read"]);
  });

  it("are verified with keys that are loaded once, and again for an unknown key id", async () => {
    const { source, tokens } = verifier();
    for (let request = 0; request < 5; request++) assert.ok(await tokens.verify(await key.token()));
    assert.equal(source.loads, 1);
    const next = await testKey("k2");
    source.keys = [key.publicKey, next.publicKey];
    now += 5001;
    assert.ok(await tokens.verify(await next.token()));
    assert.equal(source.loads, 2);
  });

  it("with invented key ids load the keys once in five seconds", async () => {
    const { source, tokens } = verifier();
    for (let request = 0; request < 20; request++)
      assert.equal(await tokens.verify(await (await testKey(`x${request}`)).token()), undefined);
    assert.equal(source.loads, 1);
  });

  it("are verified while the auth service is away, once the keys are there", async () => {
    const { source, tokens } = verifier();
    assert.ok(await tokens.verify(await key.token()));
    source.keys = new Error("away");
    now += 700_000;
    assert.ok(await tokens.verify(await key.token({ exp: Math.floor(now / 1000) + 600 })));
    assert.ok(source.loads > 1);
    now -= 700_000;
  });

  it("cannot be verified before the keys were ever loaded", async () => {
    await assert.rejects(verifier(new Error("away")).tokens.verify(await key.token()), /away/);
  });
});
