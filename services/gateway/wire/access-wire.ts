import type { ApiTokenView, LoginTokens, SessionView } from "../../../shared/contracts/access-actions.ts";
import { PERMISSIONS } from "../../../shared/contracts/permissions.ts";
import { type Shown, shape } from "./output.ts";

const permissionList = { type: "array", items: { type: "enum", values: PERMISSIONS } } as const;
const userId = { type: "number", integer: true, min: 1 } as const;
const sessionId = "66f2a1b00a1b2c3d4e5f6070";
const at = "2026-01-05T08:00:00.000Z";

/** The tokens of a login, and what its user may do. */
export const loginShape = shape(
  "Login",
  {
    access_token: "string",
    token_type: { type: "enum", values: ["Bearer"] },
    access_expires_at: "instant",
    refresh_token: "string",
    refresh_expires_at: "instant",
    session_id: "id",
    user_id: userId,
    login: "string",
    permissions: permissionList,
  },
  {
    access_token: "eyJhbGciOiJFZERTQSJ9…",
    token_type: "Bearer",
    access_expires_at: "2026-01-05T08:10:00.000Z",
    refresh_token: "eyJhbGciOiJFZERTQSJ9…",
    refresh_expires_at: "2026-02-04T08:00:00.000Z",
    session_id: sessionId,
    user_id: 7,
    login: "anna",
    permissions: ["task.read", "record.read"],
  },
);

export const showLogin = (tokens: LoginTokens): Shown<typeof loginShape> => ({
  access_token: tokens.accessToken,
  token_type: "Bearer",
  access_expires_at: tokens.accessExpiresAt,
  refresh_token: tokens.refreshToken,
  refresh_expires_at: tokens.refreshExpiresAt,
  session_id: tokens.sessionId,
  user_id: tokens.userId,
  login: tokens.login,
  permissions: tokens.permissions,
});

export const meShape = shape(
  "Me",
  {
    user_id: userId,
    login: "string",
    session_id: { type: "id", nullable: true },
    permissions: permissionList,
  },
  { user_id: 7, login: "anna", session_id: sessionId, permissions: ["task.read"] },
);

export const sessionShape = shape(
  "Session",
  {
    id: "id",
    address: "string",
    device: "string",
    started_at: "instant",
    used_at: "instant",
    expires_at: "instant",
    is_current: "boolean",
  },
  {
    id: sessionId,
    address: "192.0.2.7",
    device: "curl/8.5.0",
    started_at: at,
    used_at: at,
    expires_at: "2026-02-04T08:00:00.000Z",
    is_current: true,
  },
);

export const showSession = (session: SessionView, currentId: string | null): Shown<typeof sessionShape> => ({
  id: session.id,
  address: session.address,
  device: session.device,
  started_at: session.startedAt,
  used_at: session.usedAt,
  expires_at: session.expiresAt,
  is_current: session.id === currentId,
});

const tokenFields = {
  id: "id",
  name: "string",
  /** How its text begins. */
  hint: "string",
  scopes: permissionList,
  created_at: "instant",
  expires_at: { type: "instant", nullable: true },
  last_used_at: { type: "instant", nullable: true },
} as const;
const tokenExample = {
  id: sessionId,
  name: "backup",
  hint: "kft_a1B2c3",
  scopes: ["task.read"],
  created_at: at,
  expires_at: null,
  last_used_at: null,
} as const;

export const tokenShape = shape("ApiToken", tokenFields, tokenExample);
/** The only response with the text of the token. */
export const newTokenShape = shape(
  "NewApiToken",
  { ...tokenFields, token: "string" },
  { ...tokenExample, token: "kft_a1B2c3…" },
);

export const showToken = (token: ApiTokenView): Shown<typeof tokenShape> => ({
  id: token.id,
  name: token.name,
  hint: token.hint,
  scopes: token.scopes,
  created_at: token.createdAt,
  expires_at: token.expiresAt,
  last_used_at: token.lastUsedAt,
});

export const generatedShape = shape(
  "GeneratedPassword",
  { password: { type: "string", nullable: true } },
  { password: "k3mzq-7wd2p-hh9xe-t4v8c" },
);

export const permissionsShape = shape(
  "Permissions",
  { permissions: permissionList },
  { permissions: ["task.read", "record.read"] },
);
