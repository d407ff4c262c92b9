import type { Identity } from "../../../shared/contracts/access-token.ts";
import { PERMISSIONS } from "../../../shared/contracts/permissions.ts";
import { AppError } from "../../../shared/errors.ts";
import { accessExamples } from "../texts/access-examples.ts";
import { accessDone } from "../texts/access-texts.ts";
import {
  generatedShape,
  loginShape,
  meShape,
  newTokenShape,
  permissionsShape,
  sessionShape,
  showLogin,
  showSession,
  showToken,
  tokenShape,
} from "../wire/access-wire.ts";
import { inMessage, listOf, one } from "../wire/output.ts";
import { data, list, message } from "../wire/response.ts";
import { rowIdKind } from "../wire/row-kinds.ts";
import { choices } from "../wire/text-list.ts";
import { hexId, text, whole } from "../wire/wire-kinds.ts";
import { nullable, optional, required } from "../wire/wire-validation.ts";
import { endpoint, fromBody, fromQuery, noInput, type RequestClient } from "./endpoint.ts";

const DAY_MS = 86_400_000;
const byId = fromQuery({ data_id: required(hexId) });
const byRow = { data_id: required(rowIdKind({ min: 1, max: 2_147_483_647 })) };
const password = text({ max: 1024 });

class NotLoggedIn extends AppError {
  constructor() {
    super("The request has no login; with AUTH_ENABLE=false there are no logins", {
      type: "UNAUTHENTICATED",
    });
  }
}

/** @throws NotLoggedIn `UNAUTHENTICATED` with `AUTH_ENABLE=false` */
function identityOf({ identity }: RequestClient): Identity {
  if (!identity) throw new NotLoggedIn();
  return identity;
}

export const logIn = endpoint(
  fromBody(
    { login: required(text({ min: 1, max: 256 })), password: required(password) },
    accessExamples.logIn,
  ),
  one(loginShape),
  async ({ login, password: secret }, { call, client: { address, device } }) =>
    data(showLogin(await call("auth.login", { login, password: secret, address, device }))),
);

export const refreshSession = endpoint(
  fromBody({ refresh_token: required(text({ max: 4096 })) }, accessExamples.refresh),
  one(loginShape),
  async ({ refresh_token: refreshToken }, { call }) =>
    data(showLogin(await call("auth.refresh", { refreshToken }))),
);

export const logOut = endpoint(
  noInput,
  inMessage(accessDone.loggedOut),
  async (_, { call, client, language }) => {
    const { userId, sessionId } = identityOf(client);
    if (sessionId !== null) await call("auth.endSession", { userId, sessionId, reason: "logout" });
    return message(accessDone.loggedOut[language]);
  },
);

export const showMe = endpoint(noInput, one(meShape), (_, { client }) => {
  const { userId, login, sessionId, permissions } = identityOf(client);
  return data({ user_id: userId, login, session_id: sessionId, permissions });
});

export const listSessions = endpoint(noInput, listOf(sessionShape), async (_, { call, client }) => {
  const { userId, sessionId } = identityOf(client);
  const { items } = await call("auth.sessions", { userId });
  const rows = items.map((item) => showSession(item, sessionId));
  return list(rows, { total: rows.length, page: 1, limit: 0 });
});

export const deleteSession = endpoint(
  byId,
  inMessage(accessDone.sessionEnded),
  async ({ data_id: sessionId }, { call, client, language }) => {
    await call("auth.endSession", { userId: identityOf(client).userId, sessionId, reason: "revoked" });
    return message(accessDone.sessionEnded[language]);
  },
);

export const changePassword = endpoint(
  fromBody({ current_password: required(password), password: required(password) }, accessExamples.password),
  inMessage(accessDone.passwordChanged),
  async ({ current_password: current, password: next }, { call, client, language }) => {
    const { userId, sessionId } = identityOf(client);
    const { address } = client;
    await call("auth.changePassword", { userId, sessionId, current, password: next, address });
    return message(accessDone.passwordChanged[language]);
  },
);

export const createToken = endpoint(
  fromBody(
    {
      name: required(text({ min: 1, max: 100 })),
      scopes: required(choices(PERMISSIONS)),
      expires_in_days: optional(nullable(whole({ min: 1, max: 3650 })), 90),
    },
    accessExamples.token,
  ),
  one(newTokenShape),
  async ({ name, scopes, expires_in_days: days }, { call, client }) => {
    const { userId } = identityOf(client);
    const expiresAt = days === null ? null : new Date(Date.now() + days * DAY_MS).toISOString();
    const created = await call("auth.createToken", { userId, name, scopes, expiresAt });
    return data({ ...showToken(created), token: created.token });
  },
);

export const listTokens = endpoint(noInput, listOf(tokenShape), async (_, { call, client }) => {
  const { items } = await call("auth.tokens", { userId: identityOf(client).userId });
  return list(items.map(showToken), { total: items.length, page: 1, limit: 0 });
});

export const deleteToken = endpoint(
  byId,
  inMessage(accessDone.tokenRevoked),
  async ({ data_id: tokenId }, { call, client, language }) => {
    await call("auth.revokeToken", { userId: identityOf(client).userId, tokenId });
    return message(accessDone.tokenRevoked[language]);
  },
);

/** Without a password one is generated, and is in the response. */
export const setUserLogin = endpoint(
  fromBody(
    {
      ...byRow,
      login: required(text({ min: 1, max: 64 })),
      password: optional(nullable(password), null),
    },
    accessExamples.userLogin,
  ),
  one(generatedShape),
  async ({ data_id: userId, login, password: chosen }, { call }) =>
    data(await call("auth.setLogin", { userId, login, ...(chosen !== null && { password: chosen }) })),
);

export const getRolePermissions = endpoint(
  fromQuery(byRow),
  one(permissionsShape),
  async ({ data_id }, { call }) => data(await call("auth.rolePermissions", { roleId: data_id })),
);

export const setRolePermissions = endpoint(
  fromBody({ ...byRow, permissions: required(choices(PERMISSIONS)) }, accessExamples.permissions),
  inMessage(accessDone.permissionsChanged),
  async ({ data_id: roleId, permissions }, { call, language }) => {
    await call("auth.setRolePermissions", { roleId, permissions });
    return message(accessDone.permissionsChanged[language]);
  },
);
