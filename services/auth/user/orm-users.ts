import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type {
  UserEvent,
  UserFields,
  UserSortField,
  UserView,
} from "../../../shared/contracts/user-contracts.ts";
import { withStoreErrors } from "../../../shared/event-store/orm-errors.ts";
import { roleView } from "../role/orm-roles.ts";
import { type OrmRows, ormRows } from "../row/orm-rows.ts";
import { RoleEntity } from "../store/role-entity.ts";
import { UserEntity, type UserRow } from "../store/user-entity.ts";

export interface OrmUsers extends OrmRows<UserFields, UserView, UserEvent, UserSortField> {
  /** How many users were created on each day (UTC) since an instant; a day without users is left out. */
  createdByDay(since: Date): Promise<ReadonlyMap<string, number>>;
}

/** The table `auth_user`, with the roles of each user. */
export function ormUsers(em: SqlEntityManager): OrmUsers {
  const rows: OrmRows<UserFields, UserView, UserEvent, UserSortField> = ormRows(em, {
    entity: UserEntity as never,
    relations: ["roles"],
    table: "auth_user",
    columns: {
      id: "id",
      name: "name",
      telephone: "telephone",
      email: "email",
      isActive: "is_active",
      age: "age",
      createdAt: "create_datetime",
      updatedAt: "update_datetime",
    },
    fieldsOf: ({ name, telephone, email = null, isActive, age, roles }: UserRow) => ({
      name,
      telephone,
      email,
      isActive,
      age,
      roleIds: idsOf(roles),
    }),
    assign(row: UserRow, { roleIds, ...fields }, unit) {
      Object.assign(row, fields);
      row.roles.set(roleIds.map((id) => unit.getReference(RoleEntity, id)));
    },
    viewOf: userView,
  });
  return {
    ...rows,
    async createdByDay(since) {
      const days = await withStoreErrors(
        em.fork().execute<{ day: string; users: number }[]>(
          `select to_char(create_datetime at time zone 'UTC', 'YYYY-MM-DD') as day, count(*)::int as users
           from auth_user where not is_delete and create_datetime >= ? group by 1`,
          [since],
        ),
      );
      return new Map(days.map(({ day, users }) => [day, users]));
    },
  };
}

const idsOf = (roles: UserRow["roles"]): readonly number[] =>
  roles
    .getItems()
    .map(({ id }) => id)
    .sort((a, b) => a - b);

function userView(row: UserRow): UserView {
  const { id, name, telephone, email = null, isActive, age, createdAt, updatedAt, roles } = row;
  return {
    id,
    name,
    telephone,
    email,
    isActive,
    age,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    roles: roles
      .getItems()
      .toSorted((a, b) => a.id - b.id)
      .map(roleView),
  };
}
