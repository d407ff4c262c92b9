import type { Identity, PublicKey } from "./access-token.ts";
import { action, returns } from "./action.ts";
import { PERMISSIONS, type Permission } from "./permissions.ts";

const userId = { type: "number", integer: true, min: 1, max: 2_147_483_647 } as const;
const login = { type: "string", min: 1, max: 64, pattern: /^[\p{L}\p{N}._@+-]+$/u } as const;
/** Longer ones are rejected before they are hashed. */
const password = { type: "string", max: 1024 } as const;
const id = "66f2a1b00a1b2c3d4e5f6070";
const scopes = {
  type: "array",
  max: PERMISSIONS.length,
  items: { type: "enum", values: PERMISSIONS },
} as const;

/** The tokens of a login. Instants as ISO-8601. */
export interface LoginTokens {
  readonly userId: number;
  readonly login: string;
  readonly sessionId: string;
  readonly accessToken: string;
  readonly accessExpiresAt: string;
  readonly refreshToken: string;
  readonly refreshExpiresAt: string;
  readonly permissions: readonly Permission[];
}

export interface SessionView {
  readonly id: string;
  readonly address: string;
  readonly device: string;
  readonly startedAt: string;
  readonly usedAt: string;
  readonly expiresAt: string;
}

export interface ApiTokenView {
  readonly id: string;
  readonly name: string;
  /** How its text begins. */
  readonly hint: string;
  readonly scopes: readonly Permission[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
}

/** Logins, sessions, tokens and permissions; all of them of the auth service. */
export const accessActions = {
  "auth.keys": action({
    summary: "The public keys that access tokens are verified with.",
    params: {},
    example: {},
    returns: returns<{ keys: readonly PublicKey[] }>(),
  }),
  "auth.identify": action({
    summary: "Who an API token or a session cookie belongs to, by its SHA-256; null where it is not valid.",
    params: { hash: { type: "string", pattern: /^[0-9a-f]{64}$/ } },
    example: { hash: "0".repeat(64) },
    returns: returns<Identity | null>(),
  }),
  "auth.permissionsOf": action({
    summary: "What a user may do at present; nothing for a user that is not active or does not exist.",
    params: { userId },
    example: { userId: 7 },
    returns: returns<{ permissions: readonly Permission[] }>(),
  }),
  "auth.login": action({
    summary: "Starts a session. Errors: LOGIN_FAILED, LOGIN_THROTTLED, LOGIN_BUSY.",
    params: {
      login: { type: "string", max: 256 },
      password,
      address: { type: "string", max: 64 },
      device: { type: "string", max: 200 },
    },
    example: {
      login: "admin",
      password: "correct horse battery",
      address: "192.0.2.7",
      device: "curl/8.5.0",
    },
    returns: returns<LoginTokens>(),
  }),
  "auth.refresh": action({
    summary:
      "Exchanges a refresh token for the next one and an access token. One that was used before ends its session. Error: SESSION_ENDED.",
    params: { refreshToken: { type: "string", max: 4096 } },
    example: { refreshToken: "eyJ…" },
    returns: returns<LoginTokens>(),
  }),
  "auth.sessions": action({
    summary: "The open sessions of a user, the newest first.",
    params: { userId },
    example: { userId: 7 },
    returns: returns<{ items: readonly SessionView[] }>(),
  }),
  "auth.endSession": action({
    summary: "Ends a session of a user; `ended` is false where the user has no such open session.",
    params: { userId, sessionId: "id", reason: { type: "enum", values: ["logout", "revoked"] } },
    example: { userId: 7, sessionId: id, reason: "logout" },
    returns: returns<{ ended: boolean }>(),
  }),
  "auth.changePassword": action({
    summary:
      "Replaces a user's own password and ends the user's other sessions. Errors: LOGIN_FAILED, LOGIN_THROTTLED, PASSWORD_WEAK.",
    params: {
      userId,
      sessionId: { type: "string", nullable: true, max: 24 },
      current: password,
      password,
      address: { type: "string", max: 64 },
    },
    example: {
      userId: 7,
      sessionId: id,
      current: "correct horse battery",
      password: "another horse battery",
      address: "192.0.2.7",
    },
    returns: returns<null>(),
  }),
  "auth.setLogin": action({
    permission: "user.write",
    summary:
      "Gives a user a login and a new password, and ends the user's sessions. Without a password one is generated and returned. Errors: USER_NOT_FOUND, LOGIN_TAKEN, PASSWORD_WEAK.",
    params: { userId, login, password: { ...password, optional: true } },
    example: { userId: 7, login: "anna" },
    returns: returns<{ password: string | null }>(),
  }),
  "auth.createToken": action({
    summary: "Makes an API token of a user; its text is returned once.",
    params: {
      userId,
      name: { type: "string", min: 1, max: 100, pattern: /^\P{Cc}+$/u },
      scopes,
      expiresAt: { type: "instant", nullable: true },
    },
    example: { userId: 7, name: "backup", scopes: ["task.read"], expiresAt: null },
    returns: returns<ApiTokenView & { token: string }>(),
  }),
  "auth.tokens": action({
    summary: "The API tokens of a user that are not revoked, the newest first.",
    params: { userId },
    example: { userId: 7 },
    returns: returns<{ items: readonly ApiTokenView[] }>(),
  }),
  "auth.revokeToken": action({
    summary: "Revokes an API token of a user; `revoked` is false where the user has none with this id.",
    params: { userId, tokenId: "id" },
    example: { userId: 7, tokenId: id },
    returns: returns<{ revoked: boolean }>(),
  }),
  "auth.rolePermissions": action({
    permission: "role.read",
    summary: "What a role allows. Error: ROLE_NOT_FOUND.",
    params: { roleId: userId },
    example: { roleId: 2 },
    returns: returns<{ permissions: readonly Permission[] }>(),
  }),
  "auth.setRolePermissions": action({
    permission: "role.write",
    summary:
      "Replaces what a role allows. Errors: ROLE_NOT_FOUND; FORBIDDEN for the administrator's role and for permissions that the caller does not have.",
    params: { roleId: userId, permissions: scopes },
    example: { roleId: 2, permissions: ["task.read"] },
    returns: returns<null>(),
  }),
} as const;
