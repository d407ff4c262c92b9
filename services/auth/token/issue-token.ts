import { SignJWT } from "jose";
import {
  ACCESS_TOKEN_TYPE,
  type Identity,
  REFRESH_TOKEN_TYPE,
  TOKEN_ALGORITHM,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
} from "../../../shared/contracts/access-token.ts";
import { privateKey, type StoredKey } from "./signing-keys.ts";

interface Issuing {
  readonly key: StoredKey;
  /** Milliseconds. */
  readonly now: number;
  readonly expiresAt: number;
}

/** Signs an access token: it says who acts and what they may do, and is valid until it expires. */
export function issueAccessToken(
  { userId, login, sessionId, permissions }: Identity & { readonly sessionId: string },
  issuing: Issuing,
): Promise<string> {
  const claims = { sid: sessionId, login, permissions };
  return signed(claims, { ...issuing, subject: String(userId), type: ACCESS_TOKEN_TYPE });
}

/** Signs a refresh token: good for one refresh of its session. The number shows which of them it is. */
export function issueRefreshToken(
  { sessionId, userId, generation }: { sessionId: string; userId: number; generation: number },
  issuing: Issuing,
): Promise<string> {
  const claims = { sid: sessionId, generation };
  return signed(claims, { ...issuing, subject: String(userId), type: REFRESH_TOKEN_TYPE });
}

async function signed(
  claims: Record<string, unknown>,
  { key, now, expiresAt, subject, type }: Issuing & { readonly subject: string; readonly type: string },
): Promise<string> {
  return (
    new SignJWT(claims)
      .setProtectedHeader({ alg: TOKEN_ALGORITHM, kid: key.kid, typ: type })
      .setIssuer(TOKEN_ISSUER)
      .setAudience(TOKEN_AUDIENCE)
      .setSubject(subject)
      // With milliseconds, so that a change of permissions in the same second is later or earlier than the token.
      .setIssuedAt(now / 1000)
      .setExpirationTime(Math.floor(expiresAt / 1000))
      .sign(await privateKey(key))
  );
}
