import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import { CONFIRM_TIMEOUT_MS } from "../../../shared/contracts/start-rules.ts";
import { AppError, errorMessage } from "../../../shared/errors.ts";
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

/** Asks the scheduler whether runs may still start; verdicts in the order asked. Error: `CONFIRM_UNAVAILABLE`. */
export const confirmRuns =
  (caller: Caller) =>
  async (runs: readonly RunQuestion[]): Promise<readonly RunVerdict[]> => {
    try {
      const limits = { timeout: CONFIRM_TIMEOUT_MS, retries: 0 };
      const { verdicts } = await call(caller, "scheduler.confirmRuns", { runs }, limits);
      if (verdicts.length !== runs.length)
        throw new Error(`${verdicts.length} verdicts for ${runs.length} runs`);
      return verdicts;
    } catch (error) {
      throw new ConfirmUnavailable(error);
    }
  };
