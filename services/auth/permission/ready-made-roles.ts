import { PERMISSIONS, type Permission } from "../../../shared/contracts/permissions.ts";

/** A role that exists from the first start. */
export interface ReadyMadeRole {
  /** At most 11 characters, as in the Python original. */
  readonly key: string;
  readonly name: string;
  readonly permissions: readonly (Permission | typeof EVERYTHING)[];
}

const viewing = PERMISSIONS.filter((permission) => /^(task|record|hotlist|example)\.read$/.test(permission));
const operating: readonly Permission[] = [
  ...viewing,
  "task.write",
  "task.run",
  "example.write",
  "file.write",
  "operation.read",
  "system.read",
];

/**
 * Stands for every permission, also those of later versions. Only the administrators' role of the first start has it:
 * it is no permission, so no other role can have it, and a role with the same key gains nothing.
 */
export const EVERYTHING = "*";

/** Made at the first start; what they may do can be changed afterwards, except for the administrator. */
export const readyMadeRoles: readonly ReadyMadeRole[] = [
  { key: "admin", name: "Administrator", permissions: [EVERYTHING] },
  { key: "operator", name: "Operator", permissions: operating },
  { key: "viewer", name: "Viewer", permissions: viewing },
  {
    key: "program",
    name: "Program",
    permissions: ["task.read", "task.write", "task.run", "record.read", "file.write"],
  },
];
