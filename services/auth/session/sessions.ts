import type { LoginTokens } from "../../../shared/contracts/access-actions.ts";
import type { CommandRef } from "../../../shared/contracts/command.ts";
import type { Causation } from "../../../shared/contracts/event.ts";
import { isoInstant } from "../../../shared/contracts/instants.ts";
import type { SessionEvent } from "../../../shared/contracts/session-events.ts";
import type { CommandHandler } from "../../../shared/event-store/command-handler.ts";
import { StoreUnavailable } from "../../../shared/event-store/event-store.ts";
import { objectId } from "../../../shared/ids.ts";
import type { OrmLogins, StoredLogin } from "../login/orm-logins.ts";
import type { OrmPermissions } from "../permission/orm-permissions.ts";
import { issueAccessToken, issueRefreshToken } from "../token/issue-token.ts";
import type { OrmSigningKeys } from "../token/orm-signing-keys.ts";
import { readRefreshToken } from "../token/refresh-token.ts";
import { signingKey } from "../token/signing-keys.ts";
import type { OrmSessions } from "./orm-sessions.ts";
import { type SessionCommand, SessionEnded, type SessionState } from "./session.ts";

export interface SessionsOptions {
  readonly handler: CommandHandler<SessionState, SessionCommand, SessionEvent>;
  readonly rows: OrmSessions;
  readonly keys: OrmSigningKeys;
  readonly logins: OrmLogins;
  readonly permissions: OrmPermissions;
  readonly clock: { now(): number };
  readonly accessTokenMs: number;
  readonly sessionMs: number;
  /** Gateways reject the access tokens of these sessions from now on. */
  readonly onEnded: (sessionIds: readonly string[]) => void;
}

interface Origin {
  readonly address: string;
  readonly device: string;
}

/** Starts, refreshes and ends the sessions of users. */
export class Sessions {
  readonly #options: SessionsOptions;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  async start(user: StoredLogin, { address, device }: Origin, cause: Causation): Promise<LoginTokens> {
    const { handler, clock, sessionMs } = this.#options;
    const now = clock.now();
    const sessionId = objectId(now);
    const expiresAt = now + sessionMs;
    const command = {
      type: "start",
      sessionId,
      userId: user.userId,
      address,
      device,
      now,
      expiresAt,
    } as const;
    await handler.handle({ id: sessionId, command, cause, ref: null, startsStream: true });
    return this.#tokens(user, { sessionId, generation: 1, now });
  }

  /** @throws SessionEnded `SESSION_ENDED` */
  async refresh(
    text: string,
    { cause, ref }: { cause: Causation; ref: CommandRef | null },
  ): Promise<LoginTokens> {
    const { handler, keys, clock, sessionMs, logins, onEnded } = this.#options;
    const now = clock.now();
    const token = await readRefreshToken(text, { keys: await keys.all(), now });
    if (!token) throw new SessionEnded();
    const { sessionId, generation } = token;
    const commandId = ref?.id ?? objectId(now);
    const command = {
      type: "refresh",
      sessionId,
      generation,
      commandId,
      now,
      expiresAt: now + sessionMs,
    } as const;
    const { after } = await handler.handle({ id: sessionId, command, cause, ref: null });
    if (after.status !== "open") {
      onEnded([sessionId]);
      throw new SessionEnded();
    }
    const user = await logins.ofUser(after.userId);
    if (!user) throw new SessionEnded();
    return this.#tokens(user, { sessionId, generation: after.generation, now });
  }

  /** Ends the session if it is an open one of this user; returns whether it was. */
  async end(
    { userId, sessionId, reason }: { userId: number; sessionId: string; reason: "logout" | "revoked" },
    cause: Causation,
  ): Promise<boolean> {
    const { handler, rows, clock, onEnded } = this.#options;
    const open = await rows.ofUser(userId, clock.now());
    if (!open.some(({ id }) => id === sessionId)) return false;
    const command = { type: "end", sessionId, reason, now: clock.now() } as const;
    const { changed } = await handler.handle({ id: sessionId, command, cause, ref: null });
    onEnded([sessionId]);
    return changed;
  }

  /** Ends the sessions of a user, for example when the password was changed, except for one. */
  async endAll(userId: number, except: string | null, cause: Causation): Promise<void> {
    const { handler, rows, clock, onEnded } = this.#options;
    const now = clock.now();
    const ids = (await rows.ofUser(userId, now)).flatMap(({ id }) => (id === except ? [] : id));
    for (const sessionId of ids) {
      const command = { type: "end", sessionId, reason: "password_changed", now } as const;
      await handler.handle({ id: sessionId, command, cause, ref: null });
    }
    onEnded(ids);
  }

  async #tokens(
    { userId, login }: StoredLogin,
    { sessionId, generation, now }: { sessionId: string; generation: number; now: number },
  ): Promise<LoginTokens> {
    const { keys, permissions: store, accessTokenMs, sessionMs } = this.#options;
    const key = signingKey(await keys.all(), now);
    if (!key) throw new StoreUnavailable(undefined, "There is no signing key yet; try again");
    const permissions = await store.ofUser(userId);
    const [accessExpiresAt, refreshExpiresAt] = [now + accessTokenMs, now + sessionMs];
    const identity = { userId, login, sessionId, permissions };
    return {
      userId,
      login,
      sessionId,
      accessToken: await issueAccessToken(identity, { key, now, expiresAt: accessExpiresAt }),
      accessExpiresAt: isoInstant(accessExpiresAt),
      refreshToken: await issueRefreshToken(
        { sessionId, userId, generation },
        { key, now, expiresAt: refreshExpiresAt },
      ),
      refreshExpiresAt: isoInstant(refreshExpiresAt),
      permissions,
    };
  }
}
