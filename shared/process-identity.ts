import { randomBytes } from "node:crypto";
import * as system from "@kinit/embedded-mongo/process-identity";

/** The process that holds something (a lease, an outbox), so that another one can see whether it has ended. */
export interface ProcessIdentity extends system.ProcessIdentity {
  /** Random for each start of a process: part of the names of nodes and writers. */
  readonly boot: string;
}

export const thisProcess: ProcessIdentity = {
  ...system.thisProcess,
  boot: randomBytes(6).toString("hex"),
};

/**
 * True only where it is certain that a process has ended: it ran under this boot of this host and in this PID
 * namespace, and its id belongs to no process or to a later one. Otherwise only its heartbeat tells.
 */
export const isGone = (holder: ProcessIdentity): boolean => system.processState(holder) === "ended";
