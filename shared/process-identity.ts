import { randomBytes } from "node:crypto";
import * as system from "@kinit/embedded-mongo/process-identity";

/** Identifies the process that owns a lease or an outbox, so that another process can check whether it has ended. */
export interface ProcessIdentity extends system.ProcessIdentity {
  /** Random for each start of a process; part of the names of nodes and writers. */
  readonly boot: string;
}

export const thisProcess: ProcessIdentity = {
  ...system.thisProcess,
  boot: randomBytes(6).toString("hex"),
};

/**
 * True only if the process has certainly ended: it ran under this boot of this host and in this PID namespace, and its
 * id belongs to no process or to a later one. In all other cases only its heartbeat shows whether it lives.
 */
export const isGone = (holder: ProcessIdentity): boolean => system.processState(holder) === "ended";
