import type { RoleEvent, RoleFields } from "../../../shared/contracts/role-contracts.ts";
import { type RowEvents, rowDecider } from "../row/row.ts";

const events: RowEvents<RoleFields, RoleEvent> = {
  kind: "role",
  created: (roleId, fields, at) => ({ type: "role.created", data: { roleId, ...fields, at } }),
  changed: (roleId, fields, at) => ({ type: "role.changed", data: { roleId, ...fields, at } }),
  deleted: (roleId, at) => ({ type: "role.deleted", data: { roleId, at } }),
  fieldsIn({ type, data }) {
    if (type === "role.deleted") return null;
    const { name, roleKey, isActive } = data;
    return { name, roleKey, isActive };
  },
};

/** A role, which users have. */
export const role = rowDecider(events);
