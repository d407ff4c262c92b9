import { AppError, errorType } from "../../../shared/errors.ts";
import { defineHandler } from "../handler/define-handler.ts";

/** Internal actions: with them a task could revoke other runs or read the state of the nodes. */
const FORBIDDEN = /^(\$|executor\.)/;

/** Calls an action of any service; its response is the run's result. */
export const moleculerCall = defineHandler({
  name: "moleculer.call",
  title: "Calls an action of a service",
  params: {
    action: { type: "string", min: 1, max: 255 },
    params: { type: "record", optional: true },
    timeoutMs: { type: "number", integer: true, min: 1, max: 604_800_000, optional: true },
  },
  check: ({ action }) =>
    FORBIDDEN.test(action)
      ? { field: "action", fault: "is internal", expected: "an action outside $node and executor" }
      : undefined,
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
