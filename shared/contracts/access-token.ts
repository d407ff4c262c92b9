import type { Permission } from "./permissions.ts";

/** What every token of the auth service names as its issuer and its audience. */
export const TOKEN_ISSUER = "kinit";
export const TOKEN_AUDIENCE = "kinit";
/** The one algorithm that tokens are signed with; a token that names another one is rejected. */
export const TOKEN_ALGORITHM = "EdDSA";

/** Media types in the header `typ`, so that a refresh token is never accepted as an access token, or the reverse. */
export const ACCESS_TOKEN_TYPE = "at+jwt";
export const REFRESH_TOKEN_TYPE = "kinit-refresh+jwt";

/** Begins every API token, so that people and secret scanners recognise one. */
export const API_TOKEN_PREFIX = "kft_";

/** A public key as RFC 8037 writes it. */
export interface PublicKey {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
  readonly kid: string;
  readonly alg: typeof TOKEN_ALGORITHM;
  readonly use: "sig";
}

/** On whose behalf a request is made, and what it may do. */
export interface Identity {
  readonly userId: number;
  /** The name that the user logs in with. */
  readonly login: string;
  /** The session of an access token; null for an API token. */
  readonly sessionId: string | null;
  readonly permissions: readonly Permission[];
}

/** The user as events, logs and tasks name it: `user-7`. */
export const actorOf = ({ userId }: Pick<Identity, "userId">): string => `user-${userId}`;

/** The id of the user that an actor is; null for anything else. */
export function userIdOf(actor: string | undefined): number | null {
  const id = /^user-([1-9]\d{0,9})$/.exec(actor ?? "")?.[1];
  return id === undefined ? null : Number(id);
}
