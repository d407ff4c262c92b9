import type { ActionParams } from "../../../shared/contracts/actions.ts";
import {
  type AuthTestSortField,
  type AuthTestView,
  authTestFields as rules,
} from "../../../shared/contracts/auth-test-contracts.ts";
import { rowId } from "../../../shared/contracts/row-contracts.ts";
import { type DatetimeWire, wallTimeRule } from "./datetime-wire.ts";
import { type Shown, shape } from "./output.ts";
import { flag, text, whole } from "./wire-kinds.ts";
import { optional, required, type ValuesOf } from "./wire-validation.ts";

/** The body that creates a test or replaces one. */
export const authTestBody = {
  name: required(text(rules.name)),
  role_key: required(text(rules.roleKey)),
  is_active: optional(flag, true),
  age: required(whole(rules.age)),
} as const;

export const toAuthTest = ({
  name,
  role_key,
  is_active,
  age,
}: ValuesOf<typeof authTestBody>): ActionParams<"auth.createAuthTest"> => ({
  name,
  roleKey: role_key,
  isActive: is_active,
  age,
});

/** The field that each name of the wire stands for, for sorting. */
export const authTestSortFields: Readonly<Record<string, AuthTestSortField>> = {
  id: "id",
  name: "name",
  role_key: "roleKey",
  is_active: "isActive",
  age: "age",
  create_datetime: "createdAt",
  update_datetime: "updatedAt",
};

export const authTestShape = shape(
  "AuthTest",
  {
    name: rules.name,
    role_key: rules.roleKey,
    is_active: "boolean",
    age: rules.age,
    id: rowId,
    create_datetime: wallTimeRule,
    update_datetime: wallTimeRule,
  },
  {
    name: "first",
    role_key: "test",
    is_active: true,
    age: 3,
    id: 1,
    create_datetime: "2026-01-05 16:00:00",
    update_datetime: "2026-01-05 16:00:00",
  },
);

/** Converts a test to its shape. */
export function showAuthTest(test: AuthTestView, { show }: DatetimeWire): Shown<typeof authTestShape> {
  return {
    name: test.name,
    role_key: test.roleKey,
    is_active: test.isActive,
    age: test.age,
    id: test.id,
    create_datetime: show(test.createdAt),
    update_datetime: show(test.updatedAt),
  };
}
