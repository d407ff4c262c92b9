import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type {
  AuthTestEvent,
  AuthTestFields,
  AuthTestSortField,
  AuthTestView,
} from "../../../shared/contracts/auth-test-contracts.ts";
import { type OrmRows, ormRows } from "../row/orm-rows.ts";
import { AuthTestEntity, type AuthTestRow } from "../store/auth-test-entity.ts";

export type OrmAuthTests = OrmRows<AuthTestFields, AuthTestView, AuthTestEvent, AuthTestSortField>;

/** The table `auth_test`. */
export const ormAuthTests = (em: SqlEntityManager): OrmAuthTests =>
  ormRows(em, {
    entity: AuthTestEntity as never,
    relations: [],
    table: "auth_test",
    columns: {
      id: "id",
      name: "name",
      roleKey: "role_key",
      isActive: "is_active",
      age: "age",
      createdAt: "create_datetime",
      updatedAt: "update_datetime",
    },
    fieldsOf: ({ name, roleKey, isActive, age }: AuthTestRow) => ({ name, roleKey, isActive, age }),
    assign: (row: AuthTestRow, fields) => void Object.assign(row, fields),
    viewOf: authTestView,
  });

function authTestView({ id, name, roleKey, isActive, age, createdAt, updatedAt }: AuthTestRow): AuthTestView {
  return {
    id,
    name,
    roleKey,
    isActive,
    age,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
