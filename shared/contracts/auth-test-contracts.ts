import { action, returns } from "./action.ts";
import type { DataOf } from "./contract.ts";
import { type EventOf, event, eventFamily } from "./event.ts";
import { type Page, pagingBy, type Rows } from "./paging.ts";
import { anyRowId, anyRowIds, integer, rowId, rowsByIds, rowTimes } from "./row-contracts.ts";

/** What clients state of a test. */
export const authTestFields = {
  name: { type: "string", max: 255 },
  roleKey: { type: "string", max: 11 },
  isActive: "boolean",
  age: integer,
} as const;
export type AuthTestFields = DataOf<typeof authTestFields>;

const authTestView = { ...authTestFields, id: rowId, ...rowTimes } as const;
export type AuthTestView = DataOf<typeof authTestView>;
export type AuthTestSortField = keyof AuthTestView;
export const AUTH_TEST_SORT_FIELDS = Object.keys(authTestView) as readonly AuthTestSortField[];

const example = { name: "first", roleKey: "test", isActive: true, age: 3 } as const;
const AT = "2026-01-05T08:00:00.000Z";

export const authTestEvents = eventFamily({
  "auth_test.created": event({
    version: 1,
    source: "auth",
    stream: "auth_test",
    summary: "A test was created.",
    data: { authTestId: rowId, ...authTestFields, at: "instant" },
    example: { authTestId: 1, ...example, at: AT },
  }),
  "auth_test.changed": event({
    version: 1,
    source: "auth",
    stream: "auth_test",
    summary: "A test has new fields.",
    data: { authTestId: rowId, ...authTestFields, at: "instant" },
    example: { authTestId: 1, ...example, isActive: false, at: AT },
  }),
  "auth_test.deleted": event({
    version: 1,
    source: "auth",
    stream: "auth_test",
    summary: "A test was deleted.",
    data: { authTestId: rowId, at: "instant" },
    example: { authTestId: 1, at: AT },
  }),
});
export type AuthTestEvent = EventOf<typeof authTestEvents.contracts>;

export const authTestActions = {
  "auth.createAuthTest": action({
    permission: "example.write",
    summary: "Creates a test.",
    params: authTestFields,
    example,
    returns: returns<{ id: number }>(),
  }),
  "auth.changeAuthTest": action({
    permission: "example.write",
    summary: "Replaces the fields of a test. Error: ROW_NOT_FOUND.",
    params: { id: anyRowId, ...authTestFields },
    example: { id: 1, ...example },
    returns: returns<{ changed: boolean }>(),
  }),
  "auth.deleteAuthTests": action({
    permission: "example.write",
    summary: "Deletes the tests that exist. Error: ROW_NOT_FOUND if none does.",
    params: { ids: anyRowIds },
    example: { ids: [1] },
    returns: returns<{ deleted: number }>(),
  }),
  "auth.getAuthTest": action({
    summary: "One test. Error: ROW_NOT_FOUND.",
    params: { id: anyRowId },
    example: { id: 1 },
    returns: returns<AuthTestView>(),
  }),
  "auth.listAuthTests": action({
    summary:
      "Tests, a page at a time; what does not fit one message follows by authTestRows. Error: LIST_TOO_LONG.",
    params: pagingBy(AUTH_TEST_SORT_FIELDS),
    example: { page: 1, limit: 10 },
    returns: returns<Page<AuthTestView>>(),
  }),
  "auth.authTestRows": action({
    summary: "Tests by their ids, as many as fit one message.",
    params: rowsByIds,
    example: { ids: [1] },
    returns: returns<Rows<AuthTestView>>(),
  }),
} as const;
