import type { Clock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import { createCommandHandler } from "../../shared/event-store/command-handler.ts";
import { LoginThrottle } from "./login/login-throttle.ts";
import { makeFirstAdministrator } from "./login/orm-first-administrator.ts";
import { type OrmLogins, ormLogins } from "./login/orm-logins.ts";
import { generatedPassword } from "./password/generated-password.ts";
import { type PasswordHash, passwordHash } from "./password/password-hash.ts";
import { type OrmPermissions, ormPermissions } from "./permission/orm-permissions.ts";
import { type OrmSessions, ormSessions } from "./session/orm-sessions.ts";
import { session } from "./session/session.ts";
import { Sessions } from "./session/sessions.ts";
import type { AuthStore } from "./store/open-auth-store.ts";
import { type OrmApiTokens, ormApiTokens } from "./token/orm-api-tokens.ts";
import { type OrmSigningKeys, ormSigningKeys } from "./token/orm-signing-keys.ts";

export type AccessConfig = Pick<Config, "authEnable" | "accessTokenMs" | "sessionMs">;

/** The login that was made at the first start. */
export interface FirstLogin {
  readonly login: string;
  readonly password: string;
}

/** What gateways have to reject from now on. */
export interface Revoked {
  readonly sessionIds?: readonly string[];
  readonly userIds?: readonly number[];
  readonly isForAll?: boolean;
}

export interface AccessPartsOptions {
  readonly store: AuthStore;
  readonly clock: Clock;
  readonly config: AccessConfig;
  readonly revoke: (revoked: Revoked) => void;
  /** Receives the generated password once; nothing else contains it. */
  readonly onFirstLogin: (login: FirstLogin) => void;
}

/** What the actions for logins, sessions, tokens and permissions use. */
export interface AccessParts {
  readonly logins: OrmLogins;
  readonly passwords: PasswordHash;
  readonly throttle: LoginThrottle;
  readonly sessions: Sessions;
  readonly sessionRows: OrmSessions;
  readonly tokens: OrmApiTokens;
  readonly keys: OrmSigningKeys;
  readonly permissions: OrmPermissions;
  readonly clock: Clock;
  readonly revoke: (revoked: Revoked) => void;
  /** Makes the next signing key in time, and removes what has expired. */
  maintain(): Promise<void>;
}

/** Sessions of one transaction. */
const MAX_BATCH = 50;
/** Rows of ended sessions stay this long after they would have expired. */
const ENDED_SESSIONS_MS = 7 * 24 * 3_600_000;

/** Assembles the parts; with `AUTH_ENABLE` also makes the first key and the first administrator, if there are none. */
export async function assembleAccess(options: AccessPartsOptions): Promise<AccessParts> {
  const { store, clock, config, revoke, onFirstLogin } = options;
  const { em, events } = store;
  const [logins, permissions, sessionRows] = [ormLogins(em), ormPermissions(em), ormSessions(em)];
  const keys = ormSigningKeys(em, config.sessionMs);
  const passwords = passwordHash();
  const handler = createCommandHandler({
    store: events,
    decider: session,
    stream: "session",
    states: sessionRows,
    clock,
    maxBatch: MAX_BATCH,
    reads: "within",
  });
  const onEnded = (sessionIds: readonly string[]) => revoke({ sessionIds });
  const { accessTokenMs, sessionMs } = config;
  const sessions = new Sessions({
    handler,
    rows: sessionRows,
    keys,
    logins,
    permissions,
    clock,
    accessTokenMs,
    sessionMs,
    onEnded,
  });
  if (config.authEnable) {
    await keys.rotate(clock.now());
    const password = generatedPassword();
    const login = { login: "admin", passwordHash: await passwords.hash(password), now: clock.now() };
    if (await makeFirstAdministrator(events, login)) onFirstLogin({ login: login.login, password });
  }
  return {
    logins,
    passwords,
    throttle: new LoginThrottle(),
    sessions,
    sessionRows,
    tokens: ormApiTokens(em),
    keys,
    permissions,
    clock,
    revoke,
    async maintain() {
      if (!config.authEnable) return;
      await keys.rotate(clock.now());
      await sessionRows.purge(clock.now() - ENDED_SESSIONS_MS);
    },
  };
}
