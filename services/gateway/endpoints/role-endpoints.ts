import { done } from "../texts/messages.ts";
import { rowExamples } from "../texts/row-examples.ts";
import { inMessage } from "../wire/output.ts";
import { message } from "../wire/response.ts";
import { roleBody, roleShape, roleSortFields, showRole, toRole } from "../wire/role-wire.ts";
import { listKind } from "../wire/row-kinds.ts";
import { nested, required } from "../wire/wire-validation.ts";
import { endpoint, fromWholeBody } from "./endpoint.ts";
import { rowEndpoints } from "./row-endpoints.ts";

export const roleEndpoints = rowEndpoints({
  path: "/auth/role",
  body: roleBody,
  example: rowExamples.role,
  shape: roleShape,
  show: showRole,
  sortFields: roleSortFields,
  create: (call, body) => call("auth.createRole", toRole(body)),
  change: (call, id, body) => call("auth.changeRole", { id, ...toRole(body) }),
  remove: (call, ids) => call("auth.deleteRoles", { ids }),
  get: (call, id) => call("auth.getRole", { id }),
  list: (call, query) => call("auth.listRoles", query),
  rows: (call, ids) => call("auth.roleRows", { ids }),
});

/** Roles of one request; all of them are created, or none. */
const MOST_ROLES = 1000;

export const createRoles = endpoint(
  fromWholeBody({ datas: required(listKind(nested(roleBody), { min: 1, max: MOST_ROLES })) }, [
    { summary: rowExamples.role.summary, value: [rowExamples.role.value] },
  ]),
  inMessage(done.batchCreated),
  async ({ datas }, { call, language }) => {
    await call("auth.createRoles", { roles: datas.map(toRole) });
    return message(done.batchCreated[language]);
  },
);
