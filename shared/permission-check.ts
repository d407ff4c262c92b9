import type { Context, Middleware } from "moleculer";
import type { Config } from "./config.ts";
import type { ActionContract } from "./contracts/action.ts";
import { actions } from "./contracts/actions.ts";
import type { Permission } from "./contracts/permissions.ts";
import { AppError } from "./errors.ts";
import type { Meta } from "./service.ts";

/** The actor of a call may not make it. */
export class Forbidden extends AppError {
  constructor(permission: Permission) {
    super(`The permission ${permission} is missing`, { type: "FORBIDDEN", data: { permission } });
  }
}

/** @throws Forbidden `FORBIDDEN` if the call is made on behalf of somebody without the permission */
export function requirePermission({ actor, permissions = [] }: Meta, permission: Permission): void {
  if (actor !== undefined && !permissions.includes(permission)) throw new Forbidden(permission);
}

/**
 * Checks again, where an action is executed, what its actor may do: a route with a wrong declaration, or a task that
 * calls actions, goes no further. Calls without an actor are made by the services themselves.
 */
export function permissionCheck({ authEnable }: Pick<Config, "authEnable">): Middleware {
  return {
    name: "PermissionCheck",
    localAction(next, { name = "" }) {
      const { permission } = ((actions as Readonly<Record<string, ActionContract>>)[name] ??
        {}) as ActionContract;
      if (!authEnable || permission === undefined) return next;
      return async function (context: Context) {
        requirePermission(context.meta as Meta, permission);
        return next.call(this, context);
      };
    },
  };
}
