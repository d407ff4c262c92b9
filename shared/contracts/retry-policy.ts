import type { DataOf } from "./contract.ts";

export const RETRY_BACKOFFS = ["fixed", "exponential"] as const;
const MAX_DELAY_MS = 604_800_000;

/** When the failed attempts of a run are followed by another one, as `task.due` carries it. */
export const retryPolicy = {
  /** Attempts after the first one. */
  limit: { type: "number", integer: true, min: 0, max: 100 },
  backoff: { type: "enum", values: RETRY_BACKOFFS },
  delayMs: { type: "number", integer: true, min: 0, max: MAX_DELAY_MS },
  maxDelayMs: { type: "number", integer: true, min: 0, max: MAX_DELAY_MS },
} as const;
export type RetryPolicy = DataOf<typeof retryPolicy>;

/** The part of a delay that jitter may take away, so that tasks that fail together do not retry together. */
const JITTER = 0.1;

/** The delay after a failed attempt, counted from 1; the same each time for the same run and attempt. */
export function retryDelayMs(policy: RetryPolicy, runId: string, attempt: number): number {
  const { backoff, delayMs, maxDelayMs } = policy;
  const grown = backoff === "fixed" ? delayMs : delayMs * 2 ** (attempt - 1);
  return Math.round(Math.min(maxDelayMs, grown) * (1 - JITTER * fractionOf(`${runId}/${attempt}`)));
}

/** A number from 0 to 1 that depends on the text alone (FNV-1a). */
function fractionOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  return hash / 0xffffffff;
}
