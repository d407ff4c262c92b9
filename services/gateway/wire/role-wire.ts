import type { ActionParams } from "../../../shared/contracts/actions.ts";
import {
  type RoleSortField,
  type RoleView,
  roleFields as rules,
} from "../../../shared/contracts/role-contracts.ts";
import { rowId } from "../../../shared/contracts/row-contracts.ts";
import { type DatetimeWire, wallTimeRule } from "./datetime-wire.ts";
import { type Shown, shape } from "./output.ts";
import { flag, text } from "./wire-kinds.ts";
import { optional, required, type ValuesOf } from "./wire-validation.ts";

/** The body that creates a role or replaces one. */
export const roleBody = {
  name: required(text(rules.name)),
  role_key: required(text(rules.roleKey)),
  is_active: optional(flag, true),
} as const;

export const toRole = ({
  name,
  role_key,
  is_active,
}: ValuesOf<typeof roleBody>): ActionParams<"auth.createRole"> => ({
  name,
  roleKey: role_key,
  isActive: is_active,
});

/** The field that each name of the wire stands for, for sorting. */
export const roleSortFields: Readonly<Record<string, RoleSortField>> = {
  id: "id",
  name: "name",
  role_key: "roleKey",
  is_active: "isActive",
  create_datetime: "createdAt",
  update_datetime: "updatedAt",
};

export const roleShapeFields = {
  name: rules.name,
  role_key: rules.roleKey,
  is_active: "boolean",
  id: rowId,
  create_datetime: wallTimeRule,
  update_datetime: wallTimeRule,
} as const;

export const roleExample = {
  name: "administrators",
  role_key: "admin",
  is_active: true,
  id: 1,
  create_datetime: "2026-01-05 16:00:00",
  update_datetime: "2026-01-05 16:00:00",
};

export const roleShape = shape("Role", roleShapeFields, roleExample);

/** Converts a role to its shape. */
export function showRole(role: RoleView, { show }: DatetimeWire): Shown<typeof roleShape> {
  return {
    name: role.name,
    role_key: role.roleKey,
    is_active: role.isActive,
    id: role.id,
    create_datetime: show(role.createdAt),
    update_datetime: show(role.updatedAt),
  };
}
