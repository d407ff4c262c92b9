import type { MigrationObject } from "@mikro-orm/core";
import { UsersAndRoles } from "./001-users-and-roles.ts";
import { Access } from "./002-access.ts";

/**
 * Every migration of PostgreSQL, in the order in which they are applied. One that was released is never changed: a change
 * is a new one.
 */
export const migrations: readonly MigrationObject[] = [
  { name: "001-users-and-roles", class: UsersAndRoles },
  { name: "002-access", class: Access },
];
