import { defineEntity, type InferEntity, p } from "@mikro-orm/core";
import { RoleEntity } from "./role-entity.ts";
import { notDeleted, rowColumns } from "./row-entity.ts";

/** A row of `auth_user`, with its roles through `auth_user_to_role`. */
export const UserEntity = defineEntity({
  name: "User",
  tableName: "auth_user",
  filters: notDeleted,
  properties: {
    ...rowColumns,
    name: p.string(),
    telephone: p.string(),
    email: p.string().nullable(),
    isActive: p.boolean().name("is_active").default(true),
    age: p.integer(),
    roles: () =>
      p
        .manyToMany(RoleEntity)
        .pivotTable("auth_user_to_role")
        .joinColumn("user_id")
        .inverseJoinColumn("role_id"),
  },
});
export type UserRow = InferEntity<typeof UserEntity>;
