import type { ServiceSchema } from "moleculer";
import type { ApiTokenView, LoginTokens, SessionView } from "../../shared/contracts/access-actions.ts";
import type { AuthTestView } from "../../shared/contracts/auth-test-contracts.ts";
import type { Permission } from "../../shared/contracts/permissions.ts";
import type { RoleView } from "../../shared/contracts/role-contracts.ts";
import type { UserView } from "../../shared/contracts/user-contracts.ts";
import { someActionsOf } from "../../shared/service.ts";
import { type TestKey, testKey } from "./access/access.fixture.ts";

const id = "66f2a1b00a1b2c3d4e5f6070";
const at = "2026-01-05T08:00:00.000Z";
const later = "2026-02-04T08:00:00.000Z";
const permissions: readonly Permission[] = ["task.read"];

const times = { createdAt: at, updatedAt: at };
const role: RoleView = { name: "administrators", roleKey: "admin", isActive: true, id: 1, ...times };
const user: UserView = {
  name: "kinit",
  telephone: "13800000000",
  email: null,
  isActive: true,
  age: 30,
  id: 1,
  ...times,
  roles: [role],
};
const authTest: AuthTestView = { name: "first", roleKey: "test", isActive: true, age: 3, id: 1, ...times };
const tokens: LoginTokens = {
  userId: 7,
  login: "anna",
  sessionId: id,
  accessToken: "eyJhbGciOiJFZERTQSJ9",
  accessExpiresAt: later,
  refreshToken: "eyJhbGciOiJFZERTQSJ9",
  refreshExpiresAt: later,
  permissions,
};
const session: SessionView = {
  id,
  address: "192.0.2.7",
  device: "curl/8.5.0",
  startedAt: at,
  usedAt: at,
  expiresAt: later,
};
const apiToken: ApiTokenView = {
  id,
  name: "backup",
  hint: "kft_a1B2c3",
  scopes: permissions,
  createdAt: at,
  expiresAt: null,
  lastUsedAt: null,
};

/** The auth service, reduced to what its contracts promise; access tokens are verified with this key. */
export async function authService(key?: TestKey): Promise<ServiceSchema> {
  const { publicKey } = key ?? (await testKey());
  return {
    name: "auth",
    actions: someActionsOf<"auth">("auth", {
      keys: () => ({ keys: [publicKey] }),
      identify: () => null,
      permissionsOf: () => ({ permissions }),
      login: () => tokens,
      refresh: () => tokens,
      sessions: () => ({ items: [session] }),
      endSession: () => ({ ended: true }),
      changePassword: () => null,
      setLogin: () => ({ password: "k3mzq-7wd2p-hh9xe-t4v8c" }),
      createToken: () => ({ ...apiToken, token: "kft_a1B2c3" }),
      tokens: () => ({ items: [apiToken] }),
      revokeToken: () => ({ revoked: true }),
      rolePermissions: () => ({ permissions }),
      setRolePermissions: () => null,
      createUser: () => ({ id: 1 }),
      changeUser: () => ({ changed: true }),
      deleteUsers: () => ({ deleted: 2 }),
      getUser: () => user,
      listUsers: () => ({ items: [user], total: 1 }),
      newUsersByDay: () => ({ "2026-01-04": 0, "2026-01-05": 2 }),
      createRole: () => ({ id: 1 }),
      createRoles: () => ({ ids: [1] }),
      changeRole: () => ({ changed: true }),
      deleteRoles: () => ({ deleted: 2 }),
      getRole: () => role,
      listRoles: () => ({ items: [role], total: 1 }),
      createAuthTest: () => ({ id: 1 }),
      changeAuthTest: () => ({ changed: true }),
      deleteAuthTests: () => ({ deleted: 2 }),
      getAuthTest: () => authTest,
      listAuthTests: () => ({ items: [authTest], total: 1 }),
    }),
  };
}
