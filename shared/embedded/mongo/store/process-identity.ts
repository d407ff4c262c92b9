import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/**
 * Identifies one process among all that may share a store: on other hosts, in other containers, and earlier ones
 * with the same process id. Host name and process id alone do not: every container may be process 1 of `app`.
 */
export interface ProcessIdentity {
  readonly host: string;
  /** The boot of the host's kernel; empty where the system does not tell (other than Linux). */
  readonly bootId: string;
  /** The namespace in which `pid` counts; empty where the system does not tell. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** When the process started, in clock ticks since the boot; tells it from a later one with the same id. */
  readonly startTicks: string;
}

export type ProcessState = "running" | "ended" | "unknown";

export const thisProcess: ProcessIdentity = identifyThisProcess();

/**
 * Whether a process still runs. Certain answers exist only for processes of the same boot and PID namespace; for all
 * others, and for identities stored before these two were recorded, the state is unknown and only a heartbeat tells.
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
    // A /proc of another namespace has other processes under our numbers.
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

/** Field 22 of the process's state; empty where it cannot be read. */
function startTicksOf(pid: number): string {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, in parentheses, may contain anything: the fields are counted from behind it.
    return state.slice(state.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}
