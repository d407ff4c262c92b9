import { hostname } from "node:os";

/** Which process holds something (a lease, an outbox), so that another on the same host can see that it is gone. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
}

export const thisProcess: ProcessIdentity = { host: hostname(), pid: process.pid };

/**
 * True only where it is certain that a process has ended: it ran on this host and no process has its id now.
 * False for other hosts. A holder with our own id was another process before us: ids are unique while one lives.
 */
export function isGone({ host, pid }: ProcessIdentity): boolean {
  if (host !== thisProcess.host) return false;
  if (pid === thisProcess.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
