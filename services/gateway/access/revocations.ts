/** What was revoked, as the auth service broadcasts it. */
export interface Revocation {
  readonly sessionIds?: readonly string[];
  /** Users whose permissions may have changed. */
  readonly userIds?: readonly number[];
  /** True where the permissions of anybody may have changed, as after a change of a role. */
  readonly isForAll?: boolean;
}

/** What of an access token decides whether it was revoked. Milliseconds. */
export interface Revocable {
  readonly userId: number;
  readonly sessionId: string | null;
  readonly issuedAt: number;
}

/**
 * Access tokens that were issued before a change are rejected, so that a change takes effect at once and not only when
 * the tokens expire; their clients refresh them. A gateway that misses a broadcast, or starts later, accepts such a
 * token until it expires, at most `tokenMs`.
 */
export class Revocations {
  readonly #tokenMs: number;
  /** Session or user, and the instant of the change; the oldest first. */
  readonly #changes = new Map<string, number>();

  constructor(tokenMs: number) {
    this.#tokenMs = tokenMs;
  }

  add({ sessionIds = [], userIds = [], isForAll = false }: Revocation, now: number): void {
    for (const [key, at] of this.#changes) {
      if (at + this.#tokenMs >= now) break;
      this.#changes.delete(key);
    }
    const keys = [...sessionIds.map(sessionKey), ...userIds.map(userKey), ...(isForAll ? [ALL] : [])];
    for (const key of keys) {
      this.#changes.delete(key);
      this.#changes.set(key, now);
    }
  }

  isRevoked({ userId, sessionId, issuedAt }: Revocable): boolean {
    if (sessionId !== null && this.#changes.has(sessionKey(sessionId))) return true;
    const changedAt = Math.max(this.#changes.get(userKey(userId)) ?? 0, this.#changes.get(ALL) ?? 0);
    return issuedAt < changedAt;
  }
}

const ALL = "all";
const userKey = (userId: number) => `user ${userId}`;
const sessionKey = (sessionId: string) => `session ${sessionId}`;
