/**
 * Every permission, and what it allows. A role has some of them, a user those of all its roles, and an API token some of
 * its owner's.
 */
export const permissions = {
  "task.read": "See tasks and the handlers that they may name",
  "task.write": "Create, change, pause, resume and delete tasks",
  "task.run": "Run tasks now, and cancel runs",
  "record.read": "See the records of runs",
  "hotlist.read": "See the hot list",
  "user.read": "See users",
  "user.write": "Create, change and delete users, their roles, passwords and sessions",
  "role.read": "See roles",
  "role.write": "Create, change and delete roles, and what they may do",
  "example.read": "See the entries of the example `/auth/test`",
  "example.write": "Create, change and delete the entries of the example `/auth/test`",
  "operation.read": "See the operation log",
  "file.write": "Upload files",
  "system.read": "See metrics, and the state of the platform",
  "system.write": "Change how the platform runs",
} as const;

export type Permission = keyof typeof permissions;
export const PERMISSIONS = Object.keys(permissions) as readonly Permission[];

/** True for the name of a permission of this version. */
export function isPermission(name: unknown): name is Permission {
  return typeof name === "string" && Object.hasOwn(permissions, name);
}
