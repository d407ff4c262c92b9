import { action, answer } from "./action.ts";

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
      "Checks that a handler exists and takes these params. Errors: HANDLER_UNKNOWN (data: the names that exist), HANDLER_PARAMS_INVALID (data: field and fault).",
    params: { handler: { type: "string", min: 1, max: 255 }, params: { type: "record" } },
    example: { handler: "test.main.Test", params: { name: "kinit", age: 3 } },
    answers: answer<null>(),
  }),
  "executor.handlers": action({
    summary: "The handlers that this executor knows.",
    params: {},
    example: {},
    answers: answer<readonly HandlerView[]>(),
  }),
  "executor.revoke": action({
    summary:
      "Gives up runs that this executor holds or may yet receive and has not begun; asked of every node by name. Answers those already begun; once it answered, none of the others can start here.",
    params: { taskId: "id", runIds: { type: "array", max: 1000, items: "id" } },
    example: { taskId: "66f2a1b00a1b2c3d4e5f6070", runIds: ["66f2a1c00a1b2c3d4e5f6071"] },
    answers: answer<{ started: readonly string[] }>(),
  }),
} as const;
