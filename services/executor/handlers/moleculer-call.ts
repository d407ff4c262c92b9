import { AppError, errorType } from "../../../shared/errors.ts";
import { defineHandler } from "../handler/define-handler.ts";

/** The machinery's own actions: a task that drives them could revoke other runs or read what nodes tell each other. */
const FORBIDDEN = /^(\$|executor\.)/;

/** Calls an action of any service on the bus; its answer is the run's result. */
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
