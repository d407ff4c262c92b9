import { authTestEndpoints } from "./auth-test-endpoints.ts";
import { createRoles, roleEndpoints } from "./role-endpoints.ts";
import { both, type Route } from "./route.ts";
import {
  createDemonstrationUser,
  newUsersByDay,
  readDemonstration,
  userEndpoints,
} from "./user-endpoints.ts";

export const roleRoutes: readonly Route[] = [
  {
    paths: both("POST /auth/role/create"),
    operation: "auth_role.create",
    action: "auth.createRole",
    endpoint: roleEndpoints.create,
    access: "role.write",
  },
  {
    paths: both("POST /auth/role/batch/create"),
    operation: "auth_role.batch_create",
    action: "auth.createRoles",
    endpoint: createRoles,
    access: "role.write",
  },
  {
    paths: { R1: "PUT /auth/role/update", R2: "POST /auth/role/update" },
    operation: "auth_role.update",
    action: "auth.changeRole",
    endpoint: roleEndpoints.update,
    access: "role.write",
  },
  {
    paths: { R2: "POST /auth/role/delete" },
    operation: "auth_role.delete",
    action: "auth.deleteRoles",
    endpoint: roleEndpoints.delete,
    access: "role.write",
  },
  {
    paths: { R1: "DELETE /auth/role/delete" },
    operation: "auth_role.delete_list",
    nameInR1: "delete",
    action: "auth.deleteRoles",
    endpoint: roleEndpoints.deleteList,
    access: "role.write",
  },
  {
    paths: both("GET /auth/role/list/query"),
    operation: "auth_role.list_query",
    action: "auth.listRoles",
    endpoint: roleEndpoints.list,
    access: "role.read",
  },
  {
    paths: both("GET /auth/role/one/query"),
    operation: "auth_role.one_query",
    action: "auth.getRole",
    endpoint: roleEndpoints.get,
    access: "role.read",
  },
];

export const userRoutes: readonly Route[] = [
  {
    paths: both("POST /auth/user/create"),
    operation: "auth_user.create",
    action: "auth.createUser",
    endpoint: userEndpoints.create,
    access: "user.write",
  },
  {
    paths: { R1: "PUT /auth/user/update", R2: "POST /auth/user/update" },
    operation: "auth_user.update",
    action: "auth.changeUser",
    endpoint: userEndpoints.update,
    access: "user.write",
  },
  {
    paths: { R2: "POST /auth/user/delete" },
    operation: "auth_user.delete",
    action: "auth.deleteUsers",
    endpoint: userEndpoints.delete,
    access: "user.write",
  },
  {
    paths: { R1: "DELETE /auth/user/delete" },
    operation: "auth_user.delete_list",
    nameInR1: "delete",
    action: "auth.deleteUsers",
    endpoint: userEndpoints.deleteList,
    access: "user.write",
  },
  {
    paths: both("GET /auth/user/list/query"),
    operation: "auth_user.list_query",
    action: "auth.listUsers",
    endpoint: userEndpoints.list,
    access: "user.read",
  },
  {
    paths: both("GET /auth/user/one/query"),
    operation: "auth_user.one_query",
    action: "auth.getUser",
    endpoint: userEndpoints.get,
    access: "user.read",
  },
  {
    paths: both("GET /auth/user/recent/month/user/query"),
    operation: "auth_user.recent_month_user_query",
    action: "auth.newUsersByDay",
    endpoint: newUsersByDay,
    access: "user.read",
  },
  {
    paths: both("POST /auth/user/orm/db/getter/01/test"),
    operation: "auth_user.orm_db_getter_test",
    action: "auth.createUser",
    endpoint: createDemonstrationUser,
    access: "user.write",
  },
  {
    paths: both("POST /auth/user/orm/db/getter/02/test"),
    operation: "auth_user.orm_db_getter_test_02",
    action: "auth.listUsers",
    endpoint: readDemonstration,
    access: "user.read",
  },
  {
    paths: both("POST /auth/user/orm/03/test"),
    operation: "auth_user.orm_03_test",
    action: "auth.listUsers",
    endpoint: readDemonstration,
    access: "user.read",
  },
];

/** The routes of a generated table. */
export const authTestRoutes: readonly Route[] = [
  {
    paths: { R2: "POST /auth/test/create" },
    operation: "auth_test.create",
    action: "auth.createAuthTest",
    endpoint: authTestEndpoints.create,
    access: "example.write",
  },
  {
    paths: { R2: "POST /auth/test/update" },
    operation: "auth_test.update",
    action: "auth.changeAuthTest",
    endpoint: authTestEndpoints.update,
    access: "example.write",
  },
  {
    paths: { R2: "POST /auth/test/delete" },
    operation: "auth_test.delete",
    action: "auth.deleteAuthTests",
    endpoint: authTestEndpoints.delete,
    access: "example.write",
  },
  {
    paths: { R2: "GET /auth/test/list/query" },
    operation: "auth_test.list_query",
    action: "auth.listAuthTests",
    endpoint: authTestEndpoints.list,
    access: "example.read",
  },
  {
    paths: { R2: "GET /auth/test/one/query" },
    operation: "auth_test.one_query",
    action: "auth.getAuthTest",
    endpoint: authTestEndpoints.get,
    access: "example.read",
  },
];
