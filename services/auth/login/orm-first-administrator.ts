import { isoInstant } from "../../../shared/contracts/instants.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { emOf } from "../../../shared/event-store/orm-transaction.ts";
import { readyMadeRoles } from "../permission/ready-made-roles.ts";

export interface FirstAdministrator {
  readonly login: string;
  readonly passwordHash: string;
  readonly now: number;
}

/** Any number that no other lock uses: of two processes that start together, one makes the administrator. */
const LOCK = 7_355_609;

/**
 * Makes the ready-made roles and the first administrator, with their events, if no user can log in yet. Returns whether
 * it did.
 */
export function makeFirstAdministrator(
  events: EventStore,
  { login, passwordHash, now }: FirstAdministrator,
): Promise<boolean> {
  return events.transact(async (transaction) => {
    const em = emOf(transaction);
    const at = isoInstant(now);
    const time = new Date(now);
    await em.execute("select pg_advisory_xact_lock(?)", [LOCK]);
    const [known] = await em.execute<unknown[]>("select 1 from auth_login limit 1");
    if (known) return false;

    async function makeRole({ key, name, permissions }: (typeof readyMadeRoles)[number]): Promise<number> {
      const [{ id: roleId } = { id: 0 }] = await em.execute<{ id: number }[]>(
        `insert into auth_role (name, role_key, is_active, create_datetime, update_datetime, is_delete, version)
         values (?, ?, true, ?, ?, false, 1) returning id`,
        [name, key, time, time],
      );
      for (const permission of permissions)
        await em.execute("insert into auth_role_permission (role_id, permission) values (?, ?)", [
          roleId,
          permission,
        ]);
      const data = { roleId, name, roleKey: key, isActive: true, at };
      transaction.append({
        stream: `role-${roleId}`,
        expectedVersion: 0,
        events: [{ type: "role.created", data }],
      });
      return roleId;
    }

    const roleIds: number[] = [];
    for (const role of readyMadeRoles) roleIds.push(await makeRole(role));
    const [{ id: userId } = { id: 0 }] = await em.execute<{ id: number }[]>(
      `insert into auth_user (name, telephone, email, is_active, age, create_datetime, update_datetime, is_delete, version)
       values (?, '', null, true, 0, ?, ?, false, 1) returning id`,
      [login, time, time],
    );
    const [administratorId = 0] = roleIds;
    await em.execute("insert into auth_user_to_role (user_id, role_id) values (?, ?)", [
      userId,
      administratorId,
    ]);
    await em.execute(
      "insert into auth_login (user_id, login, password_hash, changed_at) values (?, ?, ?, ?)",
      [userId, login, passwordHash, time],
    );
    const fields = { name: login, telephone: "", email: null, isActive: true, age: 0 };
    const data = { userId, ...fields, roleIds: [administratorId], at };
    transaction.append({
      stream: `user-${userId}`,
      expectedVersion: 0,
      events: [{ type: "user.created", data }],
    });
    return true;
  });
}
