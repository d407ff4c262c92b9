import type { ActionParams } from "../../../shared/contracts/actions.ts";
import { rowId } from "../../../shared/contracts/row-contracts.ts";
import {
  MOST_ROLES,
  userFields as rules,
  type UserSortField,
  type UserView,
} from "../../../shared/contracts/user-contracts.ts";
import { type DatetimeWire, wallTimeRule } from "./datetime-wire.ts";
import { type Shown, shape } from "./output.ts";
import { roleExample, roleShapeFields, showRole } from "./role-wire.ts";
import { email, listKind, telephone } from "./row-kinds.ts";
import { flag, text, whole } from "./wire-kinds.ts";
import { nullable, optional, required, type ValuesOf } from "./wire-validation.ts";

/** The body that creates a user or replaces one. */
export const userBody = {
  name: required(text(rules.name)),
  telephone: required(telephone),
  email: optional(nullable(email), null),
  is_active: optional(flag, true),
  age: required(whole(rules.age)),
  role_ids: required(listKind(whole({}), { max: MOST_ROLES })),
} as const;

export const toUser = ({
  is_active,
  role_ids,
  ...same
}: ValuesOf<typeof userBody>): ActionParams<"auth.createUser"> => ({
  ...same,
  isActive: is_active,
  roleIds: role_ids,
});

/** The field that each name of the wire stands for, for sorting. */
export const userSortFields: Readonly<Record<string, UserSortField>> = {
  id: "id",
  name: "name",
  telephone: "telephone",
  email: "email",
  is_active: "isActive",
  age: "age",
  create_datetime: "createdAt",
  update_datetime: "updatedAt",
};

export const userShape = shape(
  "User",
  {
    name: rules.name,
    telephone: rules.telephone,
    email: rules.email,
    is_active: "boolean",
    age: rules.age,
    id: rowId,
    create_datetime: wallTimeRule,
    update_datetime: wallTimeRule,
    roles: { type: "array", items: { type: "object", props: roleShapeFields } },
  },
  {
    name: "kinit",
    telephone: "13800000000",
    email: "kinit@example.org",
    is_active: true,
    age: 30,
    id: 1,
    create_datetime: "2026-01-05 16:00:00",
    update_datetime: "2026-01-05 16:00:00",
    roles: [roleExample],
  },
);

/** Converts a user to its shape. */
export function showUser(user: UserView, datetimes: DatetimeWire): Shown<typeof userShape> {
  return {
    name: user.name,
    telephone: user.telephone,
    email: user.email,
    is_active: user.isActive,
    age: user.age,
    id: user.id,
    create_datetime: datetimes.show(user.createdAt),
    update_datetime: datetimes.show(user.updatedAt),
    roles: user.roles.map((role) => showRole(role, datetimes)),
  };
}

/** The user that the original's demonstration of the ORM creates. */
export const demonstrationUser: ActionParams<"auth.createUser"> = {
  name: "orm_db_test",
  telephone: "19920240505",
  email: null,
  isActive: true,
  age: 1,
  roleIds: [1],
};
