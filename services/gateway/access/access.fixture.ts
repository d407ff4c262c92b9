import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { PublicKey } from "../../../shared/contracts/access-token.ts";

/** A key pair of a test, and tokens signed with it. */
export interface TestKey {
  readonly publicKey: PublicKey;
  /** A token that is valid by default. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

export async function testKey(kid = "k1"): Promise<TestKey> {
  const { privateKey, publicKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
  const { x = "" } = await exportJWK(publicKey);
  return {
    publicKey: { kty: "OKP", crv: "Ed25519", x, kid, alg: "EdDSA", use: "sig" },
    token(claims = {}, header = {}) {
      const seconds = Date.now() / 1000;
      const valid = {
        iss: "kinit",
        aud: "kinit",
        sub: "7",
        sid: "66f2a1b00a1b2c3d4e5f6070",
        login: "anna",
        permissions: ["task.read"],
        iat: seconds,
        exp: Math.floor(seconds) + 600,
      };
      return new SignJWT({ ...valid, ...claims })
        .setProtectedHeader({ alg: "EdDSA", kid, typ: "at+jwt", ...header })
        .sign(privateKey);
    },
  };
}
