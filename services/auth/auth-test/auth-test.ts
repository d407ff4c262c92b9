import type { AuthTestEvent, AuthTestFields } from "../../../shared/contracts/auth-test-contracts.ts";
import { type RowEvents, rowDecider } from "../row/row.ts";

const events: RowEvents<AuthTestFields, AuthTestEvent> = {
  kind: "auth_test",
  created: (authTestId, fields, at) => ({ type: "auth_test.created", data: { authTestId, ...fields, at } }),
  changed: (authTestId, fields, at) => ({ type: "auth_test.changed", data: { authTestId, ...fields, at } }),
  deleted: (authTestId, at) => ({ type: "auth_test.deleted", data: { authTestId, at } }),
  fieldsIn({ type, data }) {
    if (type === "auth_test.deleted") return null;
    const { name, roleKey, isActive, age } = data;
    return { name, roleKey, isActive, age };
  },
};

/** A row of the table of tests. */
export const authTest = rowDecider(events);
