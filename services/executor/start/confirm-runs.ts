import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import {
  CONFIRM_TIMEOUT_MAX_MS,
  CONFIRM_TIMEOUT_MS,
  VERDICT_ARRIVAL_MS,
} from "../../../shared/contracts/start-rules.ts";
import { AppError, errorMessage, errorType } from "../../../shared/errors.ts";
import { type Caller, call } from "../../../shared/service.ts";

export type RunQuestion = ActionParams<"scheduler.confirmRuns">["runs"][number];

/** The scheduler did not say whether runs may start, so they have to wait. */
export class ConfirmUnavailable extends AppError {
  constructor(cause: unknown) {
    super(`The scheduler does not confirm runs: ${errorMessage(cause)}`, {
      type: "CONFIRM_UNAVAILABLE",
      cause,
    });
  }
}

/**
 * Asks the scheduler whether runs may still start; verdicts in the order asked. Where a call timed out, the next one may
 * take twice as long, so that a slow scheduler delays runs and does not stop them. A verdict `wanted` that is too old when
 * it arrives counts as `unknown`. Error: `CONFIRM_UNAVAILABLE`.
 */
export function confirmRuns(caller: Caller) {
  let timeout = CONFIRM_TIMEOUT_MS;
  return async (runs: readonly RunQuestion[]): Promise<readonly RunVerdict[]> => {
    const askedAt = performance.now();
    try {
      const answer = await call(caller, "scheduler.confirmRuns", { runs }, { timeout, retries: 0 });
      const { verdicts, waitedMs = 0 } = answer;
      if (verdicts.length !== runs.length)
        throw new Error(`${verdicts.length} verdicts for ${runs.length} runs`);
      const tookMs = performance.now() - askedAt;
      timeout = Math.max(CONFIRM_TIMEOUT_MS, Math.min(timeout, 2 * tookMs));
      const isOld = tookMs - waitedMs > VERDICT_ARRIVAL_MS;
      return isOld ? verdicts.map((verdict) => (verdict === "wanted" ? "unknown" : verdict)) : verdicts;
    } catch (error) {
      if (errorType(error) === "REQUEST_TIMEOUT") timeout = Math.min(2 * timeout, CONFIRM_TIMEOUT_MAX_MS);
      throw new ConfirmUnavailable(error);
    }
  };
}
