import { createLocalJWKSet, jwtVerify } from "jose";
import {
  REFRESH_TOKEN_TYPE,
  TOKEN_ALGORITHM,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
} from "../../../shared/contracts/access-token.ts";
import { publicKey, type StoredKey } from "./signing-keys.ts";

/** What a genuine refresh token says. */
export interface RefreshToken {
  readonly sessionId: string;
  readonly userId: number;
  readonly generation: number;
}

/** The content of a refresh token that one of these keys signed and that has not expired; undefined for anything else. */
export async function readRefreshToken(
  token: string,
  { keys, now }: { readonly keys: readonly StoredKey[]; readonly now: number },
): Promise<RefreshToken | undefined> {
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: keys.map(publicKey) }), {
      algorithms: [TOKEN_ALGORITHM],
      typ: REFRESH_TOKEN_TYPE,
      issuer: TOKEN_ISSUER,
      audience: TOKEN_AUDIENCE,
      currentDate: new Date(now),
      requiredClaims: ["exp", "sub", "sid", "generation"],
    });
    const { sub, sid, generation } = payload;
    if (typeof sid !== "string" || typeof generation !== "number") return undefined;
    return { sessionId: sid, userId: Number(sub), generation };
  } catch {
    // Any fault means that it is not one of our tokens.
    return undefined;
  }
}
