import { createHash, randomBytes } from "node:crypto";
import { API_TOKEN_PREFIX } from "../../../shared/contracts/access-token.ts";

/** A new API token. Its text is shown once; only its hash is stored. */
export interface NewApiToken {
  readonly text: string;
  readonly hash: string;
  /** The beginning of the text, which lists show so that people recognise the token. */
  readonly hint: string;
}

const FORM = new RegExp(`^${API_TOKEN_PREFIX}[\\w-]{43}$`);
const HINT_LENGTH = API_TOKEN_PREFIX.length + 6;

/** Makes a token of 256 random bits. */
export function newApiToken(): NewApiToken {
  const text = API_TOKEN_PREFIX + randomBytes(32).toString("base64url");
  return { text, hash: hashOf(text), hint: text.slice(0, HINT_LENGTH) };
}

/** The hash that a token is looked up by; null for a text that is no API token. */
export function apiTokenHash(text: string): string | null {
  return FORM.test(text) ? hashOf(text) : null;
}

/** One pass is enough: a guess at 256 random bits does not get faster by a fast hash. */
function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A stored token: null for one that never expires, or was not used yet. Milliseconds. */
export interface ApiTokenState {
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
  readonly lastUsedAt: number | null;
}

export function isUsable({ expiresAt, revokedAt }: ApiTokenState, now: number): boolean {
  return revokedAt === null && (expiresAt === null || now < expiresAt);
}

/** Its last use is stored at most once in this time, so that a busy program does not write with each request. */
const LAST_USE_MS = 60_000;

export function isLastUseOutdated({ lastUsedAt }: ApiTokenState, now: number): boolean {
  return lastUsedAt === null || now - lastUsedAt >= LAST_USE_MS;
}
