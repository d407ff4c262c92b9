import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import {
  ACCESS_TOKEN_TYPE,
  type Identity,
  type PublicKey,
  TOKEN_ALGORITHM,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
} from "../../../shared/contracts/access-token.ts";
import { isPermission } from "../../../shared/contracts/permissions.ts";
import { setNewest } from "../../../shared/newest-entries.ts";

/** Verified tokens in memory, so that a signature is checked once and not with each request. */
const MOST_TOKENS = 5000;
/** An unknown key id makes the keys be loaded, at most this often: anybody can invent key ids. */
const RELOAD_MS = 5000;
/** Keys are loaded again after this time, so that retired ones are dropped. */
const KEYS_MS = 600_000;

/** What an access token proves. Milliseconds. */
export interface VerifiedToken {
  readonly identity: Identity;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface AccessTokensOptions {
  /** Loads the public keys; rejects while the auth service is away. */
  readonly loadKeys: () => Promise<readonly PublicKey[]>;
  readonly now: () => number;
}

/** Verifies access tokens with the public keys of the auth service, also while it is away. */
export class AccessTokens {
  readonly #options: AccessTokensOptions;
  readonly #verified = new Map<string, VerifiedToken>();
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #loadedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;

  constructor(options: AccessTokensOptions) {
    this.#options = options;
  }

  /**
   * Undefined for a token that is not valid.
   *
   * @throws what `loadKeys` throws, if no keys were ever loaded
   */
  async verify(token: string): Promise<VerifiedToken | undefined> {
    const now = this.#options.now();
    const known = this.#verified.get(token);
    if (known) return now < known.expiresAt ? known : undefined;
    if (now - this.#loadedAt > KEYS_MS) await this.#load(now);
    let payload = await this.#payload(token, now);
    if (payload === "unknown key" && now - this.#triedAt > RELOAD_MS) {
      await this.#load(now);
      payload = await this.#payload(token, now);
    }
    const verified = typeof payload === "object" ? verifiedToken(payload) : undefined;
    if (verified) setNewest(this.#verified, token, verified, MOST_TOKENS);
    return verified;
  }

  async #payload(token: string, now: number): Promise<JWTPayload | "unknown key" | "invalid"> {
    if (!this.#keys) return "unknown key";
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        algorithms: [TOKEN_ALGORITHM],
        typ: ACCESS_TOKEN_TYPE,
        issuer: TOKEN_ISSUER,
        audience: TOKEN_AUDIENCE,
        currentDate: new Date(now),
        requiredClaims: ["iat", "exp", "sub", "sid"],
      });
      return payload;
    } catch (error) {
      // All other faults are of the token, which anybody may have written.
      return error instanceof errors.JWKSNoMatchingKey ? "unknown key" : "invalid";
    }
  }

  /** Loads the keys once for all requests that need them. Without a response the known ones stay in use. */
  async #load(now: number): Promise<void> {
    this.#triedAt = now;
    this.#loading ??= this.#options
      .loadKeys()
      .then((keys) => {
        this.#keys = createLocalJWKSet({ keys: [...keys] });
        this.#loadedAt = now;
        this.#verified.clear();
      })
      .finally(() => {
        this.#loading = undefined;
      });
    try {
      await this.#loading;
    } catch (error) {
      if (!this.#keys) throw error;
    }
  }
}

function verifiedToken({
  sub,
  sid,
  login,
  permissions,
  iat = 0,
  exp = 0,
}: JWTPayload): VerifiedToken | undefined {
  const userId = Number(sub);
  if (!Number.isSafeInteger(userId) || typeof sid !== "string" || typeof login !== "string") return undefined;
  if (!Array.isArray(permissions)) return undefined;
  const identity = { userId, login, sessionId: sid, permissions: permissions.filter(isPermission) };
  return { identity, issuedAt: iat * 1000, expiresAt: exp * 1000 };
}
