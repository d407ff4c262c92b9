import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type {
  RoleEvent,
  RoleFields,
  RoleSortField,
  RoleView,
} from "../../../shared/contracts/role-contracts.ts";
import { type OrmRows, ormRows } from "../row/orm-rows.ts";
import { RoleEntity, type RoleRow } from "../store/role-entity.ts";

export interface OrmRoles extends OrmRows<RoleFields, RoleView, RoleEvent, RoleSortField> {
  /** Those of these ids that are ids of roles, ascending, each once. */
  existing(ids: readonly number[]): Promise<readonly number[]>;
}

/** The table `auth_role`. */
export function ormRoles(em: SqlEntityManager): OrmRoles {
  const rows: OrmRows<RoleFields, RoleView, RoleEvent, RoleSortField> = ormRows(em, {
    entity: RoleEntity as never,
    relations: [],
    table: "auth_role",
    columns: {
      id: "id",
      name: "name",
      roleKey: "role_key",
      isActive: "is_active",
      createdAt: "create_datetime",
      updatedAt: "update_datetime",
    },
    fieldsOf: ({ name, roleKey, isActive }: RoleRow) => ({ name, roleKey, isActive }),
    assign: (row: RoleRow, fields) => void Object.assign(row, fields),
    viewOf: roleView,
  });
  return {
    ...rows,
    async existing(ids) {
      const views = await rows.find(ids);
      return views.map(({ id }) => id).sort((a, b) => a - b);
    },
  };
}

export function roleView({ id, name, roleKey, isActive, createdAt, updatedAt }: RoleRow): RoleView {
  return {
    id,
    name,
    roleKey,
    isActive,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}
