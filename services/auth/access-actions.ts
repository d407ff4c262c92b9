import type { Context } from "moleculer";
import type { accessActions } from "../../shared/contracts/access-actions.ts";
import { userIdOf } from "../../shared/contracts/access-token.ts";
import type { ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import { commandOf } from "../../shared/contracts/command.ts";
import { isPermission, type Permission } from "../../shared/contracts/permissions.ts";
import { objectId } from "../../shared/ids.ts";
import { Forbidden } from "../../shared/permission-check.ts";
import { causeOf, type Meta } from "../../shared/service.ts";
import type { AccessParts } from "./access-parts.ts";
import { LoginFailed, LoginThrottled } from "./login/login-errors.ts";
import { generatedPassword } from "./password/generated-password.ts";
import { passwordFault, WeakPassword } from "./password/password-strength.ts";
import { notHeld, scopedTo } from "./permission/granted-permissions.ts";
import { RowNotFound } from "./row/row.ts";
import { isLastUseOutdated, isUsable, newApiToken } from "./token/api-token.ts";
import { publicKey } from "./token/signing-keys.ts";

type Local<N> = N extends `auth.${infer L}` ? L : never;
type AccessAction = Local<keyof typeof accessActions>;
type Handlers = {
  readonly [L in AccessAction]: (
    params: ActionParams<`auth.${L}`>,
    context: Context<ActionParams<`auth.${L}`>, Meta>,
  ) => Promise<ActionResult<`auth.${L}`>>;
};

/** The actions for logins, sessions, tokens and permissions. */
export function accessHandlers(parts: () => Promise<AccessParts>): Handlers {
  return {
    async keys() {
      const { keys } = await parts();
      return { keys: (await keys.all()).map(publicKey) };
    },

    async identify({ hash }) {
      const { tokens, permissions, clock } = await parts();
      const token = await tokens.find(hash);
      const now = clock.now();
      if (!token || !isUsable(token, now)) return null;
      const held = await permissions.ofUser(token.userId);
      // A user that is not active any more holds nothing.
      if (held.length === 0) return null;
      if (isLastUseOutdated(token, now)) await tokens.used(token.id, now);
      const { userId, login, scopes } = token;
      return { userId, login, sessionId: null, permissions: scopedTo(scopes, held) };
    },

    permissionsOf: async ({ userId }) => ({ permissions: await (await parts()).permissions.ofUser(userId) }),

    async login({ login, password, address, device }, context) {
      const access = await parts();
      const user = await checkedUser(access, { login, password, address });
      return access.sessions.start(user, { address, device }, causeOf(context));
    },

    async refresh({ refreshToken }, context) {
      const { sessions } = await parts();
      return sessions.refresh(refreshToken, { cause: causeOf(context), ref: commandOf(context.headers) });
    },

    async sessions({ userId }, { meta }) {
      requireSelf(meta, userId, "user.read");
      const { sessionRows, clock } = await parts();
      return { items: await sessionRows.ofUser(userId, clock.now()) };
    },

    async endSession(session, context) {
      requireSelf(context.meta, session.userId, "user.write");
      return { ended: await (await parts()).sessions.end(session, causeOf(context)) };
    },

    async changePassword({ userId, sessionId, current, password, address }, context) {
      requireSelf(context.meta, userId, null);
      const access = await parts();
      const own = await access.logins.ofUser(userId);
      if (!own) throw new LoginFailed();
      const user = await checkedUser(access, { login: own.login, password: current, address });
      await storePassword(access, { ...user, password });
      await access.sessions.endAll(userId, sessionId, causeOf(context));
      return null;
    },

    async setLogin({ userId, login, password }, context) {
      const access = await parts();
      if (!(await access.logins.exists(userId))) throw new RowNotFound("user", "change", userId);
      requireHeld(context.meta, await access.permissions.ofUser(userId));
      const chosen = password ?? generatedPassword();
      await storePassword(access, { userId, login, password: chosen });
      await access.sessions.endAll(userId, null, causeOf(context));
      return { password: password === undefined ? chosen : null };
    },

    async createToken({ userId, name, scopes, expiresAt }, { meta }) {
      requireSelf(meta, userId, null);
      const { tokens, clock } = await parts();
      requireHeld(meta, scopes);
      const { text, hash, hint } = newApiToken();
      const now = clock.now();
      const token = { id: objectId(now), userId, name, hash, hint, scopes: [...new Set(scopes)] };
      const expiry = expiresAt === null ? null : Date.parse(expiresAt);
      await tokens.add({ ...token, createdAt: now, expiresAt: expiry });
      const { hash: _, userId: __, ...shown } = token;
      return { ...shown, createdAt: new Date(now).toISOString(), expiresAt, lastUsedAt: null, token: text };
    },

    async tokens({ userId }, { meta }) {
      requireSelf(meta, userId, "user.read");
      return { items: await (await parts()).tokens.ofUser(userId) };
    },

    async revokeToken({ userId, tokenId }, { meta }) {
      requireSelf(meta, userId, "user.write");
      const { tokens, clock, revoke } = await parts();
      const revoked = await tokens.revoke({ userId, tokenId, now: clock.now() });
      if (revoked) revoke({ userIds: [] });
      return { revoked };
    },

    async rolePermissions({ roleId }) {
      const found = await (await parts()).permissions.ofRole(roleId);
      if (!found) throw new RowNotFound("role", "read", roleId);
      return { permissions: found.permissions };
    },

    async setRolePermissions({ roleId, permissions: wanted }, { meta }) {
      const { permissions, revoke } = await parts();
      const found = await permissions.ofRole(roleId);
      if (!found) throw new RowNotFound("role", "change", roleId);
      if (found.isEverything) throw new Forbidden("role.write");
      requireHeld(meta, [...wanted, ...found.permissions]);
      await permissions.replace(roleId, [...new Set(wanted)]);
      revoke({ isForAll: true });
      return null;
    },
  };
}

/** @throws LoginThrottled, LoginFailed; PasswordCheckBusy */
async function checkedUser(
  { logins, passwords, throttle, clock }: AccessParts,
  { login, password, address }: { login: string; password: string; address: string },
) {
  const attempt = { login, address, now: clock.now() };
  const waitMs = throttle.waitMs(attempt);
  if (waitMs > 0) throw new LoginThrottled(waitMs);
  // Counted before the password is checked, so that attempts at the same moment do not all pass.
  throttle.failed(attempt);
  const user = await logins.find(login);
  if (!(await passwords.matches(password, user?.passwordHash ?? null)) || !user) throw new LoginFailed();
  throttle.succeeded(attempt);
  return user;
}

/** @throws WeakPassword, LoginTaken */
async function storePassword(
  { logins, passwords, clock }: AccessParts,
  { userId, login, password }: { userId: number; login: string; password: string },
): Promise<void> {
  const fault = passwordFault(password, login);
  if (fault) throw new WeakPassword(fault);
  await logins.set({ userId, login, passwordHash: await passwords.hash(password) }, clock.now());
}

/** Users neither assign nor change a role that allows more than they may do. @throws Forbidden */
export async function requireGrantable(
  meta: Meta,
  roleIds: readonly number[],
  { permissions }: Pick<AccessParts, "permissions">,
): Promise<void> {
  if (meta.actor !== undefined) requireHeld(meta, await permissions.ofRoles(roleIds.filter(isRowId)));
}

/** Users cannot change a user who may do more than they may. @throws Forbidden */
export async function requireNotAbove(
  meta: Meta,
  userId: number,
  { permissions }: Pick<AccessParts, "permissions">,
): Promise<void> {
  if (meta.actor !== undefined && isRowId(userId)) requireHeld(meta, await permissions.ofUser(userId));
}

/** PostgreSQL rejects other numbers, which are the id of no row. */
const isRowId = (id: number): boolean => Number.isInteger(id) && id >= 1 && id < 2 ** 31;

/** Users act on what is theirs; on what belongs to others only with a permission, or never. */
function requireSelf({ actor, permissions = [] }: Meta, userId: number, others: Permission | null): void {
  if (actor === undefined || userIdOf(actor) === userId) return;
  if (others === null || !permissions.includes(others)) throw new Forbidden(others ?? "user.write");
}

/** Users neither assign nor gain a permission that they do not have. */
function requireHeld({ actor, permissions = [] }: Meta, wanted: readonly Permission[]): void {
  if (actor === undefined) return;
  const missing = notHeld(wanted, permissions.filter(isPermission));
  if (missing !== undefined) throw new Forbidden(missing);
}
