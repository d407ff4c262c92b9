import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { AppError } from "../../shared/errors.ts";
import { type Caller, call, query } from "../../shared/service.ts";
import type { Verdict } from "./run-executor.ts";

/** Nobody can say now whether a run is still wanted, so it has to wait. */
export class ConfirmUnavailable extends AppError {
  constructor(runId: string, cause: unknown) {
    super(`The scheduler cannot be asked whether run ${runId} is still wanted`, {
      type: "CONFIRM_UNAVAILABLE",
      code: 503,
      retryable: true,
      cause,
    });
  }
}

/** Asks the scheduler whether a run is still to be executed. Error: `CONFIRM_UNAVAILABLE`, retryable. */
export const confirmRun =
  (caller: Caller) =>
  async ({ data }: DomainEnvelope<"task.due">): Promise<Verdict> => {
    const { taskId, runId, attempt } = data;
    try {
      return (await call(caller, "scheduler.confirm", { taskId, runId, attempt }, query)).verdict;
    } catch (error) {
      throw new ConfirmUnavailable(runId, error);
    }
  };
