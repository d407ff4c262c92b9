import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from "jose";
import { type PublicKey, TOKEN_ALGORITHM } from "../../../shared/contracts/access-token.ts";

/** A key pair as stored. The private part never leaves the auth service and its database. */
export interface StoredKey extends Pick<PublicKey, "kid" | "x"> {
  /** The private part. */
  readonly d: string;
  /** Milliseconds. */
  readonly createdAt: number;
}

/** A key signs this long; then the next one does. */
export const KEY_SIGNS_MS = 30 * 24 * 3_600_000;
/** A new key is published this long before it signs, so that every gateway has it by then. */
export const KEY_AHEAD_MS = 24 * 3_600_000;

/** Makes a key pair whose id is the thumbprint of its public part (RFC 7638). */
export async function newSigningKey(now: number): Promise<StoredKey> {
  const pair = await generateKeyPair(TOKEN_ALGORITHM, { crv: "Ed25519", extractable: true });
  const { x = "", d = "" } = await exportJWK(pair.privateKey);
  const kid = await calculateJwkThumbprint({ kty: "OKP", crv: "Ed25519", x });
  return { kid, x, d, createdAt: now };
}

/**
 * The key that signs now: the newest one that has been published for long enough, else the oldest, which is the first
 * key of an installation. Undefined without keys.
 */
export function signingKey(keys: readonly StoredKey[], now: number): StoredKey | undefined {
  const ascending = [...keys].sort((one, two) => one.createdAt - two.createdAt);
  return ascending.findLast(({ createdAt }) => createdAt + KEY_AHEAD_MS <= now) ?? ascending[0];
}

/** True where a further key has to be made, so that it is published in time. */
export function isKeyWanted(keys: readonly StoredKey[], now: number): boolean {
  const newest = Math.max(...keys.map(({ createdAt }) => createdAt));
  return newest + KEY_SIGNS_MS <= now || keys.length === 0;
}

/** Keys that no valid token can have been signed with any more. `tokenMs` is how long a token is valid at most. */
export function retiredKeys(
  keys: readonly StoredKey[],
  { now, tokenMs }: { readonly now: number; readonly tokenMs: number },
): readonly StoredKey[] {
  const current = signingKey(keys, now);
  return keys.filter(
    (key) =>
      current !== undefined &&
      key.createdAt < current.createdAt &&
      current.createdAt + KEY_AHEAD_MS + tokenMs < now,
  );
}

/** The public part, as `auth.keys` returns it. */
export function publicKey({ kid, x }: Pick<StoredKey, "kid" | "x">): PublicKey {
  return { kty: "OKP", crv: "Ed25519", x, kid, alg: TOKEN_ALGORITHM, use: "sig" };
}

export function privateKey({ x, d }: StoredKey) {
  return importJWK({ kty: "OKP", crv: "Ed25519", x, d }, TOKEN_ALGORITHM);
}
