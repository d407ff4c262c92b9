import { randomUUID } from "node:crypto";
import { closeSync, fstatSync, futimesSync, linkSync, openSync, rmSync, writeSync } from "node:fs";
import { mkdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EmbeddedMongoError } from "./embedded-mongo-error.ts";
import { type ProcessIdentity, processState, thisProcess } from "./process-identity.ts";

/** The content of a lock file. */
interface Holder extends ProcessIdentity {
  readonly since: string;
}

/** A lock file that was found. `beat` changes with the file and with each heartbeat of its holder. */
interface FoundLock {
  readonly file: number;
  readonly beat: string;
  readonly holder: Holder;
}

const HEARTBEAT_MS = 2_000;
/** A holder in another container or on another host is dead when its heartbeat has not moved for this long. */
const SILENCE_MS = 10_000;

export interface DirectoryLock {
  /**
   * Returns false once another process has taken the directory, which happens after a long suspension of this
   * one. One system call of about 1 µs: cheap enough for every write.
   */
  isHeld(): boolean;
  /**
   * True if the last holder counted as dead because its heartbeat stopped: it may be suspended and resume.
   */
  readonly formerHolderMayResume: boolean;
  release(): Promise<void>;
}

export interface DirectoryLockOptions {
  readonly directory: string;
  readonly log: (message: string) => void;
  readonly silenceMs?: number;
}

/**
 * Locks a directory for this process.
 *
 * The lock of a dead holder is taken over, by exactly one process if several try. A holder in another container or
 * on another host counts as dead if its heartbeat does not change for `silenceMs`.
 * @throws EmbeddedMongoError `MONGO_DIRECTORY_LOCKED`, naming the holder
 */
export async function lockDirectory(options: DirectoryLockOptions): Promise<DirectoryLock> {
  const { directory } = options;
  await mkdir(directory, { recursive: true });
  const path = join(directory, "LOCK");
  let formerHolderMayResume = false;
  for (;;) {
    const file = tryCreate(path);
    if (file !== null) return { formerHolderMayResume, ...hold(path, file) };
    const found = await readLock(path);
    if (found === null) continue;
    await requireDead(found, path, options);
    formerHolderMayResume = processState(found.holder) !== "ended";
    await remove(found, path, options);
  }
}

/**
 * The descriptor refers to the file, not to the name: once another process has replaced the file, its link count is
 * 0.
 */
function hold(path: string, file: number): Pick<DirectoryLock, "isHeld" | "release"> {
  const { ino } = fstatSync(file);
  let isLost = false;
  const isHeld = () => {
    isLost ||= fstatSync(file).nlink === 0;
    return !isLost;
  };
  const isNamed = async () => (await readLock(path))?.file === ino;
  const beat = async () => {
    if (!isHeld()) return;
    const now = new Date();
    futimesSync(file, now, now);
    // On a network file system the descriptor may not show that the name now belongs to another file.
    isLost ||= !(await isNamed());
  };
  // A failed heartbeat is harmless; the next one follows.
  const timer = setInterval(() => void beat().catch(() => {}), HEARTBEAT_MS);
  timer.unref();
  return {
    isHeld,
    release: async () => {
      clearInterval(timer);
      if (await isNamed()) await rm(path, { force: true });
      isLost = true;
      closeSync(file);
    },
  };
}

/**
 * Links a complete file to the name, so that every lock file names its holder. Returns null if the name is taken.
 */
function tryCreate(path: string): number | null {
  const draft = `${path}.${randomUUID()}`;
  const file = openSync(draft, "wx");
  try {
    writeHolder(file);
    linkSync(draft, path);
    return file;
  } catch (error) {
    closeSync(file);
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return null;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * On a full disk, files can be created but not written. A lock that does not name its holder still allows reading.
 */
function writeHolder(file: number): void {
  const holder: Holder = { ...thisProcess, since: new Date().toISOString() };
  try {
    writeSync(file, JSON.stringify(holder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

/**
 * Returns when the holder is dead: at once if that is certain, otherwise after its heartbeat has not changed for
 * `silenceMs` by the local clock. Clocks of two hosts are not compared.
 * @throws EmbeddedMongoError `MONGO_DIRECTORY_LOCKED`
 */
async function requireDead(
  { holder, file, beat }: FoundLock,
  path: string,
  { directory, log, silenceMs = SILENCE_MS }: DirectoryLockOptions,
): Promise<void> {
  const state = processState(holder);
  if (state === "ended") return;
  if (state === "running") throw locked(directory, holder);
  log(
    `the data directory ${directory} is locked by process ${holder.pid} on ${holder.host}: waiting up to ` +
      `${silenceMs / 1000} s to see whether that process still runs`,
  );
  const end = performance.now() + silenceMs;
  while (performance.now() < end) {
    await sleep(Math.min(100, silenceMs));
    const found = await readLock(path);
    if (found?.file !== file) return;
    if (found.beat !== beat) throw locked(directory, holder);
  }
}

/**
 * Removes a dead holder's lock. Only one process at a time may do so: a second one would remove the new lock of the
 * first.
 */
async function remove(dead: FoundLock, path: string, options: DirectoryLockOptions): Promise<void> {
  const guard = `${path}.takeover`;
  for (;;) {
    const file = tryCreate(guard);
    if (file !== null) {
      closeSync(file);
      break;
    }
    const other = await readLock(guard);
    if (other === null) continue;
    // A guard file exists only briefly; an older one is left from a crash.
    await requireDead(other, guard, options);
    if ((await readLock(guard))?.beat === other.beat) await rm(guard, { force: true });
  }
  try {
    if ((await readLock(path))?.beat === dead.beat) await rm(path, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

/** Returns null if there is no lock. A crash of the machine, or a full disk, can leave an empty one. */
async function readLock(path: string): Promise<FoundLock | null> {
  try {
    const [{ ino, mtimeMs }, text] = [await stat(path), await readFile(path, "utf8")];
    return { file: ino, beat: `${ino} ${mtimeMs}`, holder: holderIn(text) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function holderIn(text: string): Holder {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return NOT_NAMED;
  }
}

const NOT_NAMED: Holder = {
  host: "an unknown host",
  bootId: "",
  pidNamespace: "",
  pid: 0,
  startTicks: "",
  since: "an unknown time",
};

const locked = (directory: string, { pid, host, since }: Holder): EmbeddedMongoError =>
  new EmbeddedMongoError(
    `the data directory ${directory} is in use by process ${pid} on ${host} since ${since}: only one process at a time can use it`,
    { type: "MONGO_DIRECTORY_LOCKED", code: 409, data: { directory, pid, host, since } },
  );
