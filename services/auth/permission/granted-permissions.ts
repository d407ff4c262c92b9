import { isPermission, PERMISSIONS, type Permission } from "../../../shared/contracts/permissions.ts";
import { EVERYTHING } from "./ready-made-roles.ts";

/** What is stored of a role. */
export interface GrantingRole {
  readonly isActive: boolean;
  /** As stored, possibly with names that this version does not know. */
  readonly permissions: readonly string[];
}

/** What a user with these roles may do. An inactive role grants nothing; unknown names grant nothing. */
export function grantedBy(roles: readonly GrantingRole[]): readonly Permission[] {
  const active = roles.filter(({ isActive }) => isActive);
  if (active.some(({ permissions }) => permissions.includes(EVERYTHING))) return PERMISSIONS;
  const granted = new Set(active.flatMap(({ permissions }) => permissions).filter(isPermission));
  return PERMISSIONS.filter((permission) => granted.has(permission));
}

/** What an API token with these scopes may do while its owner may do `owned`: never more than the owner. */
export function scopedTo(scopes: readonly string[], owned: readonly Permission[]): readonly Permission[] {
  return owned.filter((permission) => scopes.includes(permission));
}

/** The first permission that somebody may not pass on because it is not theirs; undefined where there is none. */
export function notHeld(wanted: readonly Permission[], held: readonly Permission[]): Permission | undefined {
  return wanted.find((permission) => !held.includes(permission));
}
