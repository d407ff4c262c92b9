import type { UserEvent, UserFields } from "../../../shared/contracts/user-contracts.ts";
import { type RowEvents, rowDecider } from "../row/row.ts";

const events: RowEvents<UserFields, UserEvent> = {
  kind: "user",
  created: (userId, fields, at) => ({ type: "user.created", data: { userId, ...fields, at } }),
  changed: (userId, fields, at) => ({ type: "user.changed", data: { userId, ...fields, at } }),
  deleted: (userId, at) => ({ type: "user.deleted", data: { userId, at } }),
  fieldsIn({ type, data }) {
    if (type === "user.deleted") return null;
    const { name, telephone, email, isActive, age, roleIds } = data;
    return { name, telephone, email, isActive, age, roleIds };
  },
};

/** A user. `roleIds` are in ascending order, so that the same roles are the same fields. */
export const user = rowDecider(events);
