import type { SqlEntityManager } from "@mikro-orm/postgresql";
import { isPermission, type Permission } from "../../../shared/contracts/permissions.ts";
import { withStoreErrors } from "../../../shared/event-store/orm-errors.ts";
import { grantedBy } from "./granted-permissions.ts";
import { EVERYTHING } from "./ready-made-roles.ts";

/** What roles allow, and what users may do. All methods throw `STORE_UNAVAILABLE`. */
export interface OrmPermissions {
  /** What a user may do now; nothing for one that is not active or does not exist. */
  ofUser(userId: number): Promise<readonly Permission[]>;
  /** What the roles with these ids allow together. */
  ofRoles(roleIds: readonly number[]): Promise<readonly Permission[]>;
  /** Null where there is no such role. */
  ofRole(roleId: number): Promise<RolePermissions | null>;
  replace(roleId: number, permissions: readonly Permission[]): Promise<void>;
}

export interface RolePermissions {
  readonly permissions: readonly Permission[];
  /** True for the role that has every permission and cannot be changed. */
  readonly isEverything: boolean;
}

interface RoleRow {
  readonly is_active: boolean;
  readonly permissions: readonly string[];
}

const ROLES = `select r.id, r.is_active, coalesce(json_agg(p.permission) filter (where p.permission is not null), '[]') as permissions
  from auth_role r left join auth_role_permission p on p.role_id = r.id`;

export function ormPermissions(root: SqlEntityManager): OrmPermissions {
  const read = (sql: string, params: unknown[]) =>
    withStoreErrors(root.fork().execute<RoleRow[]>(sql, params));
  const grantedByRows = (rows: readonly RoleRow[]) =>
    grantedBy(rows.map(({ is_active, permissions }) => ({ isActive: is_active, permissions })));

  return {
    async ofUser(userId) {
      const rows = await read(
        `${ROLES} join auth_user_to_role ur on ur.role_id = r.id join auth_user u on u.id = ur.user_id
         where u.id = ? and u.is_active and not u.is_delete and not r.is_delete group by r.id`,
        [userId],
      );
      return grantedByRows(rows);
    },

    async ofRoles(roleIds) {
      if (roleIds.length === 0) return [];
      const marks = roleIds.map(() => "?").join(", ");
      const rows = await read(`${ROLES} where r.id in (${marks}) group by r.id`, [...roleIds]);
      // An inactive role may become active later.
      return grantedByRows(rows.map((row) => ({ ...row, is_active: true })));
    },

    async ofRole(roleId) {
      const [row] = await read(`${ROLES} where r.id = ? and not r.is_delete group by r.id`, [roleId]);
      if (!row) return null;
      const isEverything = row.permissions.includes(EVERYTHING);
      return {
        permissions: isEverything
          ? grantedByRows([{ ...row, is_active: true }])
          : row.permissions.filter(isPermission),
        isEverything,
      };
    },

    replace: (roleId, permissions) =>
      withStoreErrors(
        root.fork().transactional(async (em) => {
          await em.execute("delete from auth_role_permission where role_id = ?", [roleId]);
          for (const permission of permissions)
            await em.execute("insert into auth_role_permission (role_id, permission) values (?, ?)", [
              roleId,
              permission,
            ]);
        }),
      ),
  };
}
