import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

/** Which process holds something (a lease, an outbox), so that another on the same host can see that it is gone. */
export interface ProcessIdentity {
  readonly host: string;
  readonly pid: number;
  /** Differs for each start: process ids are used again. */
  readonly boot: string;
}

export const thisProcess: ProcessIdentity = {
  host: hostname(),
  pid: process.pid,
  boot: randomBytes(6).toString("hex"),
};

/**
 * True only where it is certain that a process has ended: it ran on this host, and its id belongs to no process or
 * to us. False for other hosts.
 */
export function isGone({ host, pid, boot }: ProcessIdentity): boolean {
  if (host !== thisProcess.host || boot === thisProcess.boot) return false;
  if (pid === thisProcess.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
