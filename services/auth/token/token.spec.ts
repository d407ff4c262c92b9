import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decodeProtectedHeader, importJWK, SignJWT, UnsecuredJWT } from "jose";
import { apiTokenHash, isLastUseOutdated, isUsable, newApiToken } from "./api-token.ts";
import { issueAccessToken, issueRefreshToken } from "./issue-token.ts";
import { readRefreshToken } from "./refresh-token.ts";
import {
  isKeyWanted,
  KEY_AHEAD_MS,
  KEY_SIGNS_MS,
  newSigningKey,
  publicKey,
  retiredKeys,
  signingKey,
} from "./signing-keys.ts";

const now = Date.UTC(2026, 0, 5, 8);
const day = 24 * 3_600_000;
const session = { sessionId: "66f2a1b00a1b2c3d4e5f6070", userId: 7, generation: 3 };

describe("signing keys", () => {
  it("have the thumbprint of their public part as id, which says nothing of the private one", async () => {
    const key = await newSigningKey(now);
    assert.match(key.kid, /^[\w-]{43}$/);
    assert.deepEqual(Object.keys(publicKey(key)).sort(), ["alg", "crv", "kid", "kty", "use", "x"]);
  });
  it("of an installation without any sign at once", async () => {
    const first = await newSigningKey(now);
    assert.ok(isKeyWanted([], now));
    assert.equal(signingKey([], now), undefined);
    assert.equal(signingKey([first], now), first);
    assert.ok(!isKeyWanted([first], now + KEY_SIGNS_MS - 1));
  });
  it("are followed by the next one, which is published a day before it signs", async () => {
    const first = await newSigningKey(now);
    assert.ok(isKeyWanted([first], now + KEY_SIGNS_MS));
    const next = await newSigningKey(now + KEY_SIGNS_MS);
    const keys = [next, first];
    assert.equal(signingKey(keys, next.createdAt + KEY_AHEAD_MS - 1), first);
    assert.equal(signingKey(keys, next.createdAt + KEY_AHEAD_MS), next);
  });
  it("retire once the last token that they signed has expired", async () => {
    const first = await newSigningKey(now);
    const next = await newSigningKey(now + KEY_SIGNS_MS);
    const keys = [first, next];
    const last = next.createdAt + KEY_AHEAD_MS + 30 * day;
    assert.deepEqual(retiredKeys(keys, { now: last, tokenMs: 30 * day }), []);
    assert.deepEqual(retiredKeys(keys, { now: last + 1, tokenMs: 30 * day }), [first]);
    assert.deepEqual(retiredKeys([first], { now: last * 2, tokenMs: 0 }), [], "the only one stays");
  });
});

describe("refresh tokens", () => {
  it("are read with the key that signed them, also when a newer one signs", async () => {
    const [old, current] = [await newSigningKey(now), await newSigningKey(now + day)];
    const token = await issueRefreshToken(session, { key: old, now, expiresAt: now + day });
    assert.deepEqual(await readRefreshToken(token, { keys: [old, current], now }), session);
  });

  const key = newSigningKey(now);
  const read = async (token: string, at = now) => readRefreshToken(token, { keys: [await key], now: at });
  const issuing = async () => ({ key: await key, now, expiresAt: now + day });

  it("are not accepted after they have expired", async () => {
    const token = await issueRefreshToken(session, await issuing());
    assert.ok(await read(token, now + day - 1000));
    assert.equal(await read(token, now + day), undefined);
  });
  it("of another key are not accepted, even with a known key id", async () => {
    const stranger = { ...(await newSigningKey(now)), kid: (await key).kid };
    const token = await issueRefreshToken(session, { ...(await issuing()), key: stranger });
    assert.equal(await read(token), undefined);
  });
  it("are not access tokens, and access tokens are not refresh tokens", async () => {
    const identity = { ...session, login: "anna", permissions: [] };
    const access = await issueAccessToken(identity, await issuing());
    assert.equal(decodeProtectedHeader(access).typ, "at+jwt");
    assert.equal(await read(access), undefined);
  });
  it("without signature are not accepted", async () => {
    const claims = { sid: session.sessionId, generation: 3 };
    const token = new UnsecuredJWT(claims).setSubject("7").setIssuer("kinit").setAudience("kinit").encode();
    assert.equal(await read(token), undefined);
  });
  it("signed with the public key as a shared secret are not accepted", async () => {
    const { x, kid } = await key;
    const token = await new SignJWT({ sid: session.sessionId, generation: 3 })
      .setProtectedHeader({ alg: "HS256", kid, typ: "kinit-refresh+jwt" })
      .setSubject("7")
      .setIssuer("kinit")
      .setAudience("kinit")
      .setExpirationTime("1d")
      .sign(await importJWK({ kty: "oct", k: x }, "HS256"));
    assert.equal(await read(token), undefined);
  });
  for (const text of ["", "a.b.c", "..", "null", "x".repeat(10_000)])
    it(`are not '${text.slice(0, 10)}'`, async () => assert.equal(await read(text), undefined));
});

describe("API tokens", () => {
  it("are found by their hash, which does not contain them", () => {
    const { text, hash, hint } = newApiToken();
    assert.match(text, /^kft_[\w-]{43}$/);
    assert.equal(apiTokenHash(text), hash);
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.ok(text.startsWith(hint) && hint.length < 12);
  });
  it("are recognised by their form", () => {
    for (const text of [
      "",
      "kft_",
      `kft_${"a".repeat(44)}`,
      `kfx_${"a".repeat(43)}`,
      `kft_${"é".repeat(43)}`,
    ])
      assert.equal(apiTokenHash(text), null, text);
  });
  it("are usable until they expire or are revoked", () => {
    const fresh = { expiresAt: null, revokedAt: null, lastUsedAt: null };
    assert.ok(isUsable(fresh, now));
    assert.ok(isUsable({ ...fresh, expiresAt: now + 1 }, now));
    assert.ok(!isUsable({ ...fresh, expiresAt: now }, now));
    assert.ok(!isUsable({ ...fresh, revokedAt: now - 1 }, now));
  });
  it("have their last use stored once a minute", () => {
    const used = (lastUsedAt: number | null) => ({ expiresAt: null, revokedAt: null, lastUsedAt });
    assert.ok(isLastUseOutdated(used(null), now));
    assert.ok(!isLastUseOutdated(used(now - 59_999), now));
    assert.ok(isLastUseOutdated(used(now - 60_000), now));
  });
});
