import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { CancelledRun, RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import {
  CONFIRM_TIMEOUT_MAX_MS,
  CONFIRM_TIMEOUT_MS,
  VERDICT_ARRIVAL_MS,
} from "../../../shared/contracts/start-rules.ts";
import { AppError, errorMessage, errorType } from "../../../shared/errors.ts";
import { type Caller, call } from "../../../shared/service.ts";

export type RunToConfirm = ActionParams<"scheduler.confirmRuns">["runs"][number];

/** The verdicts in the order of the runs, and those of the revoked runs that somebody cancelled. */
export interface Confirmation {
  readonly verdicts: readonly RunVerdict[];
  readonly cancelled: readonly CancelledRun[];
}

/** The scheduler could not be asked whether runs may start, so they wait. */
export class ConfirmUnavailable extends AppError {
  constructor(cause: unknown) {
    super(`The scheduler does not confirm runs: ${errorMessage(cause)}`, {
      type: "CONFIRM_UNAVAILABLE",
      cause,
    });
  }
}

/**
 * Returns a function that asks the scheduler whether runs may still start and returns the verdicts in the order of the
 * runs. After a timeout the next call may take twice as long, so that a slow scheduler delays runs but does not block
 * them. A verdict `wanted` that is too old when it arrives counts as `unknown`.
 * @throws `CONFIRM_UNAVAILABLE`
 */
export function confirmRuns(caller: Caller) {
  let timeout = CONFIRM_TIMEOUT_MS;
  return async (runs: readonly RunToConfirm[]): Promise<Confirmation> => {
    const requestedAt = performance.now();
    try {
      const response = await call(caller, "scheduler.confirmRuns", { runs }, { timeout, retries: 0 });
      const { verdicts, waitedMs = 0, cancelled = [] } = response;
      if (verdicts.length !== runs.length)
        throw new Error(`${verdicts.length} verdicts for ${runs.length} runs`);
      const tookMs = performance.now() - requestedAt;
      timeout = Math.max(CONFIRM_TIMEOUT_MS, Math.min(timeout, 2 * tookMs));
      const isOld = tookMs - waitedMs > VERDICT_ARRIVAL_MS;
      const unlessWanted = (verdict: RunVerdict) => (verdict === "wanted" ? "unknown" : verdict);
      return { verdicts: isOld ? verdicts.map(unlessWanted) : verdicts, cancelled };
    } catch (error) {
      if (errorType(error) === "REQUEST_TIMEOUT") timeout = Math.min(2 * timeout, CONFIRM_TIMEOUT_MAX_MS);
      throw new ConfirmUnavailable(error);
    }
  };
}
