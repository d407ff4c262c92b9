import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Identifies a process among all that may share a store: on other hosts, in other containers, and earlier ones
 * with the same process id. Host name and process id are not enough: every container may run process 1 on host
 * `app`.
 */
export interface ProcessIdentity {
  readonly host: string;
  /** The boot id of the host's kernel; empty on systems other than Linux. */
  readonly bootId: string;
  /** The PID namespace of `pid`; empty on systems other than Linux. */
  readonly pidNamespace: string;
  readonly pid: number;
  /**
   * The start time in clock ticks since the boot; distinguishes the process from a later one with the same id.
   */
  readonly startTicks: string;
}

export type ProcessState = "running" | "ended" | "unknown";

export const thisProcess: ProcessIdentity = identifyThisProcess();

/**
 * Returns whether a process still runs. This is certain only for processes of the same boot and PID namespace.
 * For all others, and for identities stored before these two were recorded, the state is "unknown": use a
 * heartbeat.
 */
export function processState(process: ProcessIdentity): ProcessState {
  const { host, bootId, pidNamespace, pid, startTicks } = process;
  const isComparable =
    host === thisProcess.host &&
    Boolean(bootId && pidNamespace && startTicks) &&
    bootId === thisProcess.bootId &&
    pidNamespace === thisProcess.pidNamespace;
  if (!isComparable) return "unknown";
  if (!exists(pid)) return "ended";
  const found = startTicksOf(pid);
  if (found === "") return "unknown";
  return found === startTicks ? "running" : "ended";
}

function identifyThisProcess(): ProcessIdentity {
  const { pid } = process;
  const unknown = { host: hostname(), bootId: "", pidNamespace: "", pid, startTicks: "" };
  try {
    // In a /proc of another namespace, the same numbers mean other processes.
    if (readlinkSync("/proc/self") !== String(pid)) return unknown;
    const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const pidNamespace = readlinkSync("/proc/self/ns/pid");
    return { ...unknown, bootId, pidNamespace, startTicks: startTicksOf(pid) };
  } catch {
    return unknown;
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Field 22 of the process's stat file; empty if it cannot be read. */
function startTicksOf(pid: number): string {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, in parentheses, may contain any character, so fields are counted after it.
    return state.slice(state.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
