/** What the server takes up, in bytes. */
export interface Sizes {
  /** Objects and buffers of the server's thread, or of its process where it has one of its own. */
  readonly memory: number;
  /** Log and snapshot on disk. */
  readonly log: number;
}

/** What has outgrown a budget, as a clause for people; null where nothing has. */
export function outgrown({ memory, log }: Sizes, budget: number): string | null {
  const clauses = [
    memory > budget ? `memory holds ${mebibytes(memory)}` : "",
    log > budget ? `the log takes ${mebibytes(log)}` : "",
  ].filter((clause) => clause !== "");
  return clauses.length === 0
    ? null
    : `${clauses.join(" and ")}, more than the budget of ${mebibytes(budget)}`;
}

/** Below this part of the budget it counts as kept again, so that garbage that comes and goes does not ring twice. */
const KEPT = 0.9;

/** Tells each time that a budget begins or ceases to be exceeded. */
export function watchBudget(budget: number, tell: (reason: string | null) => void): (sizes: Sizes) => void {
  let isExceeded = false;
  return (sizes) => {
    const reason = outgrown(sizes, isExceeded ? budget * KEPT : budget);
    if ((reason !== null) === isExceeded) return;
    isExceeded = reason !== null;
    tell(reason);
  };
}

/** The same as a sentence for a log. */
export const budgetNews = (reason: string | null): string =>
  reason === null
    ? "the embedded MongoDB server is within its budget again"
    : `the embedded MongoDB server is over its budget: ${reason}`;

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
