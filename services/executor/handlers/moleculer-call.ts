import { AppError, errorType } from "../../../shared/errors.ts";
import { defineHandler, type Handler } from "../handler/define-handler.ts";
import { isAllowed } from "./allowed-actions.ts";

/**
 * Calls an action of a service; its response is the run's result. `allow` is checked when a task is created and again
 * when it runs, so a shorter list also stops existing tasks.
 * @throws `ACTION_UNKNOWN`, and the errors of the action
 */
export const moleculerCall = (allow: readonly string[]): Handler =>
  defineHandler({
    name: "moleculer.call",
    title: "Calls an action of a service",
    params: {
      action: { type: "string", min: 1, max: 255 },
      params: { type: "record", optional: true },
      timeoutMs: { type: "number", integer: true, min: 1, max: 604_800_000, optional: true },
    },
    check: ({ action }) =>
      isAllowed(action, allow)
        ? undefined
        : {
            field: "action",
            reason: "ACTION_NOT_ALLOWED",
            fault: "is not allowed by MOLECULER_CALL_ALLOW",
            expected: "an action that this setting names",
          },
    async run({ action, params, timeoutMs }, { caller }) {
      try {
        return await caller.call(action, params ?? {}, timeoutMs === undefined ? {} : { timeout: timeoutMs });
      } catch (error) {
        if (errorType(error) !== "SERVICE_NOT_FOUND") throw error;
        throw new AppError(`No service offers the action ${action}; name one as <service>.<action>`, {
          type: "ACTION_UNKNOWN",
          cause: error,
        });
      }
    },
  });
