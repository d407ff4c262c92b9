import type { EventPattern } from "./catalogue.ts";

/**
 * The groups that wait for events, with their patterns. An event stays on the bus until each of them has handled it,
 * also where a group has never been there yet.
 */
export const audience = {
  executor: ["task.due"],
  records: ["task.due", "task.skipped", "run.*", "operation.recorded"],
  scheduler: ["run.*"],
} as const satisfies Readonly<Record<string, readonly EventPattern[]>>;
