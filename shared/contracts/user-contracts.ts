import { action, returns } from "./action.ts";
import type { DataOf } from "./contract.ts";
import { type EventOf, event, eventFamily } from "./event.ts";
import { type Page, pagingBy, type Rows } from "./paging.ts";
import type { RoleView } from "./role-contracts.ts";
import { anyRowId, anyRowIds, integer, rowId, rowsByIds, rowTimes } from "./row-contracts.ts";

/** More roles of one user would not fit a message with others. */
export const MOST_ROLES = 1000;

const ownFields = {
  name: { type: "string", max: 255 },
  telephone: { type: "string", max: 11 },
  email: { type: "string", max: 255, nullable: true },
  isActive: "boolean",
  age: integer,
} as const;

/** What clients state of a user. */
export const userFields = {
  ...ownFields,
  roleIds: { type: "array", max: MOST_ROLES, items: anyRowId },
} as const;
export type UserFields = DataOf<typeof userFields>;

const userView = { ...ownFields, id: rowId, ...rowTimes } as const;
export type UserView = DataOf<typeof userView> & { readonly roles: readonly RoleView[] };
export type UserSortField = keyof typeof userView;
export const USER_SORT_FIELDS = Object.keys(userView) as readonly UserSortField[];

const example = {
  name: "kinit",
  telephone: "13800000000",
  email: "kinit@example.org",
  isActive: true,
  age: 30,
  roleIds: [1],
} as const;
const AT = "2026-01-05T08:00:00.000Z";

export const userEvents = eventFamily({
  "user.created": event({
    version: 1,
    source: "auth",
    stream: "user",
    summary: "A user was created.",
    data: { userId: rowId, ...userFields, at: "instant" },
    example: { userId: 1, ...example, at: AT },
  }),
  "user.changed": event({
    version: 1,
    source: "auth",
    stream: "user",
    summary: "A user has new fields or roles.",
    data: { userId: rowId, ...userFields, at: "instant" },
    example: { userId: 1, ...example, roleIds: [1, 2], at: AT },
  }),
  "user.deleted": event({
    version: 1,
    source: "auth",
    stream: "user",
    summary: "A user was deleted.",
    data: { userId: rowId, at: "instant" },
    example: { userId: 1, at: AT },
  }),
});
export type UserEvent = EventOf<typeof userEvents.contracts>;

export const userActions = {
  "auth.createUser": action({
    permission: "user.write",
    summary: "Creates a user with those of the roles that exist.",
    params: userFields,
    example,
    returns: returns<{ id: number }>(),
  }),
  "auth.changeUser": action({
    permission: "user.write",
    summary: "Replaces the fields and roles of a user. Error: ROW_NOT_FOUND.",
    params: { id: anyRowId, ...userFields },
    example: { id: 1, ...example },
    returns: returns<{ changed: boolean }>(),
  }),
  "auth.deleteUsers": action({
    permission: "user.write",
    summary: "Deletes the users that exist. Error: ROW_NOT_FOUND if none does.",
    params: { ids: anyRowIds },
    example: { ids: [1] },
    returns: returns<{ deleted: number }>(),
  }),
  "auth.getUser": action({
    summary: "One user with its roles. Error: ROW_NOT_FOUND.",
    params: { id: anyRowId },
    example: { id: 1 },
    returns: returns<UserView>(),
  }),
  "auth.listUsers": action({
    summary:
      "Users, a page at a time; what does not fit one message follows by userRows. Error: LIST_TOO_LONG.",
    params: pagingBy(USER_SORT_FIELDS),
    example: { page: 1, limit: 10 },
    returns: returns<Page<UserView>>(),
  }),
  "auth.userRows": action({
    summary: "Users by their ids, as many as fit one message.",
    params: rowsByIds,
    example: { ids: [1] },
    returns: returns<Rows<UserView>>(),
  }),
  "auth.newUsersByDay": action({
    summary: "How many users were created on each of the last days, in UTC; today is the last one.",
    params: { days: { type: "number", integer: true, min: 1, max: 366 } },
    example: { days: 31 },
    returns: returns<Readonly<Record<string, number>>>(),
  }),
} as const;
