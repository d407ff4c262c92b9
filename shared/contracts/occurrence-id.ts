import { hash } from "node:crypto";

/**
 * The id of an occurrence: a pure function of task and planned instant (milliseconds), so that an occurrence that is
 * dispatched or skipped twice is the same run and the same record. Starts with the planned second, as ObjectIds do; the
 * other 8 bytes are a hash.
 */
export function occurrenceId(taskId: string, plannedAt: number): string {
  const second = (Math.floor(plannedAt / 1000) >>> 0).toString(16).padStart(8, "0");
  return second + hash("sha1", `${taskId}/${plannedAt}`, "hex").slice(0, 16);
}
