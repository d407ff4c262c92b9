import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { link, mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { AppError } from "../../../errors.ts";

/** Who holds a directory, as its lock file says. */
interface Holder {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  /** Tells a process from a later one with the same number; empty where the system does not tell. */
  readonly startedAt: string;
  readonly since: string;
}

const HEARTBEAT_MS = 2_000;
/** On another machine (or in another container) nothing but the heartbeat tells whether a holder lives. */
const SILENCE_MS = 10_000;

export interface DirectoryLock {
  release(): Promise<void>;
}

/**
 * Takes a directory for this process alone.
 *
 * A lock whose holder has died is taken over; by one only, where several try at once.
 * @throws AppError `MONGO_DIRECTORY_LOCKED`, naming the holder
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, "LOCK");
  const me: Holder = {
    id: randomUUID(),
    pid: process.pid,
    host: hostname(),
    startedAt: startOf(process.pid),
    since: new Date().toISOString(),
  };
  if (!(await tryCreate(path, me))) await takeOver(directory, path, me);
  const heartbeat = setInterval(() => void touch(path), HEARTBEAT_MS);
  heartbeat.unref();
  return {
    release: async () => {
      clearInterval(heartbeat);
      if ((await readHolder(path))?.id === me.id) await rm(path, { force: true });
    },
  };
}

/** Links a finished file to the name: whoever sees the lock can read its holder. */
async function tryCreate(path: string, holder: Holder): Promise<boolean> {
  const draft = `${path}.${holder.id}`;
  await writeFile(draft, JSON.stringify(holder));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Only one at a time may judge and replace a lock: the second would remove the first one's new lock. */
async function takeOver(directory: string, path: string, me: Holder): Promise<void> {
  const guard = join(directory, "LOCK.takeover");
  if (!(await tryCreate(guard, me))) {
    const other = await readHolder(guard);
    if (other === null || (await isAlive(other, guard))) throw locked(directory, other ?? me);
    await rm(guard, { force: true });
    if (!(await tryCreate(guard, me))) throw locked(directory, other);
  }
  try {
    const holder = await readHolder(path);
    if (holder !== null && (await isAlive(holder, path))) throw locked(directory, holder);
    await rm(path, { force: true });
    if (!(await tryCreate(path, me))) throw locked(directory, (await readHolder(path)) ?? me);
  } finally {
    await rm(guard, { force: true });
  }
}

async function isAlive({ pid, host, startedAt }: Holder, path: string): Promise<boolean> {
  if (host !== hostname()) return Date.now() - (await stat(path)).mtimeMs < SILENCE_MS;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return startedAt === startOf(pid);
}

/** When a process began, in ticks since the boot that is named too (Linux); empty elsewhere. */
function startOf(pid: number): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const state = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program stands in brackets and may hold anything: the fields are counted behind it.
    const fields = state.slice(state.lastIndexOf(")") + 2).split(" ");
    return `${boot}:${fields[19]}`;
  } catch {
    return "";
  }
}

async function readHolder(path: string): Promise<Holder | null> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Holder;
  } catch {
    return null;
  }
}

async function touch(path: string): Promise<void> {
  const now = new Date();
  await utimes(path, now, now).catch(() => {});
}

const locked = (directory: string, { pid, host, since }: Holder): AppError =>
  new AppError(
    `the data directory ${directory} is in use by process ${pid} on ${host} since ${since}: one process at a time can have it`,
    { type: "MONGO_DIRECTORY_LOCKED", code: 409, data: { directory, pid, host, since } },
  );
