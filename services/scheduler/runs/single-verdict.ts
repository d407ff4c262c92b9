import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import { AppError } from "../../../shared/errors.ts";
import type { RunVerdicts } from "./run-verdicts.ts";

export class VerdictUnknown extends AppError {
  constructor() {
    super("It is not known yet whether the run may start; try again", {
      type: "VERDICT_UNKNOWN",
    });
  }
}

/**
 * The verdict on one run, for executors of version 0.1, which have no verdict `unknown`.
 *
 * @throws VerdictUnknown `VERDICT_UNKNOWN` (retryable)
 */
export async function singleVerdict(
  runVerdicts: RunVerdicts,
  { taskId, runId }: ActionParams<"scheduler.confirm">,
  executor: string,
): Promise<RunVerdict> {
  const { verdicts } = await runVerdicts([{ taskId, runId, mayHaveEnded: true }], executor);
  const [verdict = "unknown"] = verdicts;
  if (verdict === "unknown") throw new VerdictUnknown();
  return verdict;
}
