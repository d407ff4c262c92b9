import type { Outbox } from "../../shared/event-store/outbox.ts";

const SLOW_MS = 3000;

/** Why a scheduler that holds the lease cannot store or publish; null if it can. */
export function storeProblem(outbox: Pick<Outbox, "blockedForMs" | "oldestTransactionMs">): string | null {
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
  const blockedMs = outbox.blockedForMs();
  if (blockedMs > 0)
    return `no event is sent: the outcome of a commit has been unknown for ${seconds(blockedMs)}`;
  const slowMs = outbox.oldestTransactionMs();
  return slowMs > SLOW_MS ? `MongoDB has not completed a transaction for ${seconds(slowMs)}` : null;
}
