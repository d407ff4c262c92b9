import { defineEntity, type InferEntity, p } from "@mikro-orm/core";
import { notDeleted, rowColumns } from "./row-entity.ts";

/** A row of `auth_role`. */
export const RoleEntity = defineEntity({
  name: "Role",
  tableName: "auth_role",
  filters: notDeleted,
  properties: {
    ...rowColumns,
    name: p.string(),
    roleKey: p.string().name("role_key"),
    isActive: p.boolean().name("is_active").default(true),
  },
});
export type RoleRow = InferEntity<typeof RoleEntity>;
