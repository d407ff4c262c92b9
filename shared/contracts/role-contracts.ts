import { action, returns } from "./action.ts";
import type { DataOf } from "./contract.ts";
import { type EventOf, event, eventFamily } from "./event.ts";
import { type Page, pagingBy, type Rows } from "./paging.ts";
import { anyRowId, anyRowIds, rowId, rowsByIds, rowTimes } from "./row-contracts.ts";

/** What clients state of a role. */
export const roleFields = {
  name: { type: "string", max: 255 },
  roleKey: { type: "string", max: 11 },
  isActive: "boolean",
} as const;
export type RoleFields = DataOf<typeof roleFields>;

const roleView = { ...roleFields, id: rowId, ...rowTimes } as const;
export type RoleView = DataOf<typeof roleView>;
export type RoleSortField = keyof RoleView;
export const ROLE_SORT_FIELDS = Object.keys(roleView) as readonly RoleSortField[];

const example = { name: "administrators", roleKey: "admin", isActive: true } as const;
const AT = "2026-01-05T08:00:00.000Z";

export const roleEvents = eventFamily({
  "role.created": event({
    version: 1,
    source: "auth",
    stream: "role",
    summary: "A role was created.",
    data: { roleId: rowId, ...roleFields, at: "instant" },
    example: { roleId: 1, ...example, at: AT },
  }),
  "role.changed": event({
    version: 1,
    source: "auth",
    stream: "role",
    summary: "A role has new fields.",
    data: { roleId: rowId, ...roleFields, at: "instant" },
    example: { roleId: 1, ...example, isActive: false, at: AT },
  }),
  "role.deleted": event({
    version: 1,
    source: "auth",
    stream: "role",
    summary: "A role was deleted; users no longer have it.",
    data: { roleId: rowId, at: "instant" },
    example: { roleId: 1, at: AT },
  }),
});
export type RoleEvent = EventOf<typeof roleEvents.contracts>;

const allFields = { type: "object", strict: true, props: roleFields } as const;

export const roleActions = {
  "auth.createRole": action({
    permission: "role.write",
    summary: "Creates a role.",
    params: roleFields,
    example,
    returns: returns<{ id: number }>(),
  }),
  "auth.createRoles": action({
    permission: "role.write",
    summary: "Creates roles: all or none.",
    params: { roles: { type: "array", max: 1000, items: allFields } },
    example: { roles: [example] },
    returns: returns<{ ids: readonly number[] }>(),
  }),
  "auth.changeRole": action({
    permission: "role.write",
    summary: "Replaces the fields of a role. Error: ROW_NOT_FOUND.",
    params: { id: anyRowId, ...roleFields },
    example: { id: 1, ...example },
    returns: returns<{ changed: boolean }>(),
  }),
  "auth.deleteRoles": action({
    permission: "role.write",
    summary: "Deletes the roles that exist. Error: ROW_NOT_FOUND if none does.",
    params: { ids: anyRowIds },
    example: { ids: [1] },
    returns: returns<{ deleted: number }>(),
  }),
  "auth.getRole": action({
    summary: "One role. Error: ROW_NOT_FOUND.",
    params: { id: anyRowId },
    example: { id: 1 },
    returns: returns<RoleView>(),
  }),
  "auth.listRoles": action({
    summary:
      "Roles, a page at a time; what does not fit one message follows by roleRows. Error: LIST_TOO_LONG.",
    params: pagingBy(ROLE_SORT_FIELDS),
    example: { page: 1, limit: 10 },
    returns: returns<Page<RoleView>>(),
  }),
  "auth.roleRows": action({
    summary: "Roles by their ids, as many as fit one message.",
    params: rowsByIds,
    example: { ids: [1] },
    returns: returns<Rows<RoleView>>(),
  }),
} as const;
