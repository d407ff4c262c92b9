import { defineEntity, type InferEntity, p } from "@mikro-orm/core";
import { notDeleted, rowColumns } from "./row-entity.ts";

/** A row of `auth_test`. */
export const AuthTestEntity = defineEntity({
  name: "AuthTest",
  tableName: "auth_test",
  filters: notDeleted,
  properties: {
    ...rowColumns,
    name: p.string(),
    roleKey: p.string().name("role_key"),
    isActive: p.boolean().name("is_active").default(true),
    age: p.integer(),
  },
});
export type AuthTestRow = InferEntity<typeof AuthTestEntity>;
