import type { Clock } from "../../shared/clock.ts";
import type { AuthTestFields, AuthTestView } from "../../shared/contracts/auth-test-contracts.ts";
import type { RoleFields, RoleView } from "../../shared/contracts/role-contracts.ts";
import type { UserFields, UserView } from "../../shared/contracts/user-contracts.ts";
import { createCommandHandler } from "../../shared/event-store/command-handler.ts";
import type { Decider } from "../../shared/event-store/decider.ts";
import { authTest } from "./auth-test/auth-test.ts";
import { type OrmAuthTests, ormAuthTests } from "./auth-test/orm-auth-tests.ts";
import { type OrmRoles, ormRoles } from "./role/orm-roles.ts";
import { role } from "./role/role.ts";
import type { OrmRows } from "./row/orm-rows.ts";
import type { RowCommand, RowState } from "./row/row.ts";
import { type RowActions, rowActions } from "./row/row-actions.ts";
import type { AuthStore } from "./store/open-auth-store.ts";
import { type OrmUsers, ormUsers } from "./user/orm-users.ts";
import { user } from "./user/user.ts";

/** What the actions of the service use, on an open store. */
export interface AuthParts {
  readonly store: AuthStore;
  readonly users: RowActions<UserFields, UserView>;
  readonly userRows: OrmUsers;
  readonly roles: RowActions<RoleFields, RoleView>;
  readonly roleRows: OrmRoles;
  readonly authTests: RowActions<AuthTestFields, AuthTestView>;
  readonly authTestRows: OrmAuthTests;
}

interface Table<Fields, View, Event, Field extends string> {
  /** The first part of its streams, and its name in errors. */
  readonly kind: string;
  readonly decider: Decider<RowState<Fields>, RowCommand<Fields>, Event>;
  readonly rows: OrmRows<Fields, View, Event, Field>;
}

/** Commands of one transaction. */
const MAX_BATCH = 100;

export function assembleAuth(store: AuthStore, clock: Clock): AuthParts {
  const { em, events, outcomes } = store;
  const actionsOf = <Fields, View, Event extends { readonly type: string }, Field extends string>({
    kind,
    decider,
    rows,
  }: Table<Fields, View, Event, Field>) =>
    rowActions({
      kind,
      rows,
      handler: createCommandHandler({
        store: events,
        decider,
        stream: kind,
        states: rows,
        clock,
        outcomes,
        maxBatch: MAX_BATCH,
        reads: "within",
      }),
      outcomes,
      clock,
    });
  const userRows = ormUsers(em);
  const roleRows = ormRoles(em);
  const authTestRows = ormAuthTests(em);
  return {
    store,
    userRows,
    roleRows,
    authTestRows,
    users: actionsOf({ kind: "user", decider: user, rows: userRows }),
    roles: actionsOf({ kind: "role", decider: role, rows: roleRows }),
    authTests: actionsOf({ kind: "auth_test", decider: authTest, rows: authTestRows }),
  };
}
