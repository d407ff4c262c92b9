import { action, returns } from "./action.ts";
import { cancellation } from "./run-events.ts";

export interface HandlerView {
  readonly name: string;
  readonly title: string;
  /** The schema of its params, in fastest-validator's form. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly timeoutMs: number;
}

export const executorActions = {
  "executor.validate": action({
    summary:
      "Checks that a handler exists and accepts these params. Errors: HANDLER_UNKNOWN (data: the names that exist), HANDLER_PARAMS_INVALID (data: field and fault).",
    params: { handler: { type: "string", min: 1, max: 255 }, params: { type: "record" } },
    example: { handler: "test.main.Test", params: { name: "kinit", age: 3 } },
    returns: returns<null>(),
  }),
  "executor.handlers": action({
    summary: "The handlers that this executor knows.",
    params: {},
    example: {},
    returns: returns<readonly HandlerView[]>(),
  }),
  "executor.revoke": action({
    summary:
      "Cancels runs of a task that this executor has received or may still receive and has not started; called on every node by name. Returns those already started; the others cannot start here any more.",
    params: { taskId: "id", runIds: { type: "array", max: 1000, items: "id" } },
    example: { taskId: "66f2a1b00a1b2c3d4e5f6070", runIds: ["66f2a1c00a1b2c3d4e5f6071"] },
    returns: returns<{ started: readonly string[] }>(),
  }),
  "executor.cancel": action({
    summary:
      "Cancels a run: it does not start here any more, or its handler is aborted. Called on every node by name. `isHeld` is true if this executor has it, or has just ended it: then this executor publishes its outcome.",
    params: { runId: "id", ...cancellation },
    example: { runId: "66f2a1c00a1b2c3d4e5f6071", at: "2026-01-05T08:00:02.000Z", by: "admin" },
    returns: returns<{ isHeld: boolean }>(),
  }),
  "executor.inFlight": action({
    summary:
      "Which of these runs are in flight in this executor: waiting, running, or with an outcome that the bus has not accepted yet; and which of those have started, or will start without being confirmed against other executors. Called on every node by name.",
    params: { runIds: { type: "array", max: 1000, items: "id" } },
    example: { runIds: ["66f2a1c00a1b2c3d4e5f6071"] },
    returns: returns<{ held: readonly string[]; started: readonly string[] }>(),
  }),
} as const;
