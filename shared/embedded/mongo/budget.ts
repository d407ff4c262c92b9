/** The space that the server uses, in bytes. */
export interface Sizes {
  /** Objects and buffers of the server's thread, or of its process if it runs in a separate one. */
  readonly memory: number;
  /** Log and snapshot on disk. */
  readonly log: number;
}

/** Describes what exceeds a budget, for people to read. Returns null if nothing does. */
export function describeExcess({ memory, log }: Sizes, budget: number): string | null {
  const clauses = [
    memory > budget ? `memory holds ${mebibytes(memory)}` : "",
    log > budget ? `the log takes ${mebibytes(log)}` : "",
  ].filter((clause) => clause !== "");
  return clauses.length === 0
    ? null
    : `${clauses.join(" and ")}, more than the budget of ${mebibytes(budget)}`;
}

/**
 * Usage below this fraction of the budget counts as within it again. The gap prevents repeated reports while
 * garbage comes and goes.
 */
const WITHIN_AGAIN = 0.9;

/** Calls `report` each time usage starts or stops to exceed the budget: with the reason, or with null. */
export function watchBudget(budget: number, report: (reason: string | null) => void): (sizes: Sizes) => void {
  let isExceeded = false;
  return (sizes) => {
    const reason = describeExcess(sizes, isExceeded ? budget * WITHIN_AGAIN : budget);
    if ((reason !== null) === isExceeded) return;
    isExceeded = reason !== null;
    report(reason);
  };
}

/** Formats a change of the budget's state as a log message. */
export const budgetMessage = (reason: string | null): string =>
  reason === null
    ? "the embedded MongoDB server is within its budget again"
    : `the embedded MongoDB server is over its budget: ${reason}`;

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
