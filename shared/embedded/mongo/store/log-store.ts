import type { Batch } from "./batch.ts";
import { type CompactedLog, Compaction, type CompactionOptions } from "./compaction.ts";
import { isDiskFull, requireSpace } from "./disk-space.ts";
import { type LoadedDirectory, loadDirectory, logPath } from "./log-directory.ts";
import { LogFile } from "./log-file.ts";
import { FRAME_HEADER_BYTES } from "./log-frames.ts";
import { type SnapshotSource, type Store, StoreFailure, type StoreStats } from "./store.ts";

const TICK_MS = 1_000;

export interface LogStoreOptions extends CompactionOptions {
  /**
   * "full": commits survive power loss; "normal": they survive the end of the process, and power loss can cost the
   * last second.
   */
  readonly sync: "full" | "normal";
  /** Returns false once the directory belongs to another process: nothing in it may be changed then. */
  readonly isHeld: () => boolean;
  /** True if a suspended process may still write to the newest log. */
  readonly beginsNewLog: boolean;
}

interface Waiting {
  readonly batch: Batch;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface FailedWrite {
  readonly group: readonly Waiting[];
  readonly isTemporary: boolean;
}

/** An empty frame, which shows that the frames before it are durable. */
const EMPTY: Batch = { pieces: [], length: 0 };

/**
 * An append-only log of checksummed batches with group commit: batches that are appended during a flush share the
 * next one.
 *
 * The first write error ends writing: the content of the file after it is unknown. After a full disk, writing
 * continues in a new log once there is space.
 */
export class LogStore implements Store {
  readonly isVolatile = false;
  failure: StoreFailure | null = null;
  readonly #options: LogStoreOptions;
  readonly #compaction: Compaction;
  #file: LogFile | null = null;
  /** The generation of `#file`. */
  #generation = 0;
  #queue: Waiting[] = [];
  #flushing: Promise<void> | null = null;
  /** With `normal`: flushes what was written up to a second ago. */
  #flushingDirty: Promise<void> | null = null;
  #isClosed = false;
  /** Settles when the next log has begun, between two groups. */
  #switching: PromiseWithResolvers<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #logBytes = 0;
  #batches = 0;
  #flushes = 0;

  constructor(options: LogStoreOptions) {
    this.#options = options;
    this.#compaction = new Compaction(options);
  }

  async load(apply: (batch: Uint8Array) => Promise<void>): Promise<void> {
    const loaded = await loadDirectory(this.#options.directory, apply);
    this.#logBytes = loaded.logBytes;
    this.#compaction.snapshotBytes = loaded.snapshotBytes;
    await this.#openLog(loaded);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  append(batch: Batch): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.#isClosed) return Promise.reject(new Error("the server has been stopped"));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ batch, resolve, reject });
    this.#flushing ??= this.#flushQueue();
    return promise;
  }

  async recover(): Promise<void> {
    const { directory, disk, log } = this.#options;
    if (this.#isClosed || this.failure === null || !this.failure.isTemporary) return;
    if (!this.#options.isHeld()) return;
    try {
      await requireSpace(disk, directory);
      await this.#beginLog();
    } catch {
      // Still full, which has been reported.
      return;
    }
    this.failure = null;
    log(`the data directory ${directory} has free space again: writes are accepted`);
  }

  async compactIfDue(source: SnapshotSource): Promise<void> {
    if (this.failure !== null) return;
    const replaced = await this.#compaction.runIfDue(source, this.#compacted());
    this.#logBytes -= replaced;
  }

  stats(): StoreStats {
    const bytes = this.#logBytes + this.#compaction.snapshotBytes;
    return { bytes, batches: this.#batches, flushes: this.#flushes };
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.failure === null && this.#file?.lacksMark) await this.append(EMPTY).catch(() => {});
    this.#isClosed = true;
    await this.#flushing;
    await this.#flushingDirty;
    if (this.failure === null && !this.#options.isHeld()) this.#fail(takenOver());
    const file = this.#file;
    this.#file = null;
    await (this.failure === null ? file?.close() : file?.abandon());
  }

  /** Continues the newest log if its end is certain, otherwise begins a new one. */
  async #openLog({ newest, generation }: LoadedDirectory): Promise<void> {
    const { directory, log, beginsNewLog } = this.#options;
    this.#generation = generation;
    if (newest !== null) {
      const { format, end, size } = newest;
      this.#file = await LogFile.resume(this.#fileOptions(generation), { seed: format.seed, end, size });
      if (newest.tornBytes === 0 && format.version === 2 && !beginsNewLog) return;
    }
    if (newest !== null && newest.tornBytes > 0) {
      log(
        `${logPath(directory, generation)} ends at byte ${newest.end} with ${newest.tornBytes} bytes of an interrupted ` +
          "write: they are ignored",
      );
    }
    try {
      await this.#beginLog();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#fail(error as Error, { isTemporary: true });
    }
  }

  #fileOptions(generation: number) {
    const { disk, directory, sync } = this.#options;
    return { disk, path: logPath(directory, generation), reserves: sync === "full" };
  }

  /** Begins the next log. Its header states the end of the previous log: bytes after that end are ignored. */
  async #beginLog(): Promise<void> {
    const { disk, directory } = this.#options;
    await this.#flushingDirty;
    const previous = this.#file;
    const generation = previous === null ? this.#generation : this.#generation + 1;
    if (previous !== null && previous.durableTo < previous.end) await previous.flush();
    const file = await LogFile.create(this.#fileOptions(generation));
    try {
      await disk.flushDirectory(directory);
      await file.begin(previous?.end ?? 0);
    } catch (error) {
      await file.abandon();
      throw error;
    }
    this.#file = file;
    this.#generation = generation;
    await previous?.abandon();
  }

  async #flushQueue(): Promise<void> {
    // Commits of the same turn of the event loop share one flush.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.failure === null) {
      if (this.#switching !== null) await this.#switchLog(this.#switching);
      if (this.failure !== null || this.#queue.length === 0) break;
      const group = this.#queue;
      this.#queue = [];
      const end = this.#file!.end;
      try {
        await this.#writeGroup(group);
        for (const { resolve } of group) resolve();
      } catch (error) {
        // After a failed flush the content of the disk is unknown; a failed write leaves everything before it
        // unchanged.
        const isTemporary = isDiskFull(error) && this.#file!.end === end;
        this.#fail(error as Error, { group, isTemporary });
      }
    }
    this.#flushing = null;
    if (this.failure !== null) this.#rejectSwitch(this.failure);
  }

  async #switchLog({ resolve, reject }: PromiseWithResolvers<void>): Promise<void> {
    this.#switching = null;
    try {
      this.#requireHeld();
      await this.#beginLog();
      resolve();
    } catch (error) {
      // If there is no space for a new log, the old one continues.
      if (!isDiskFull(error)) this.#fail(error as Error);
      reject(error);
    }
  }

  #compacted(): CompactedLog {
    const bytes = () => this.#logBytes;
    return {
      get bytes() {
        return bytes();
      },
      beginNext: async () => {
        this.#switching = Promise.withResolvers<void>();
        const { promise } = this.#switching;
        this.#flushing ??= this.#flushQueue();
        await promise;
        return this.#generation;
      },
      confirm: () => this.append(EMPTY),
      requireHeld: () => this.#requireHeld(),
    };
  }

  /** @throws Error if another process has taken the directory while this one was suspended */
  #requireHeld(): void {
    if (!this.#options.isHeld()) throw takenOver();
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    const file = this.#file!;
    const batches = group.map(({ batch }) => batch);
    this.#requireHeld();
    await file.append(batches);
    if (this.#options.sync === "full") await file.flush();
    this.#requireHeld();
    file.reserve();
    for (const { length } of batches) {
      this.#logBytes += FRAME_HEADER_BYTES + length;
      if (length > 0) this.#batches += 1;
    }
    this.#flushes += 1;
  }

  #fail(error: Error, { group = [], isTemporary = false }: Partial<FailedWrite> = {}): void {
    const { directory, log } = this.#options;
    const failure = new StoreFailure(directory, error, isTemporary);
    this.failure = failure;
    log(`${failure.message}: ${failure.remedy}`);
    this.#rejectSwitch(failure);
    for (const { reject } of [...group, ...this.#queue]) reject(failure);
    this.#queue = [];
  }

  #rejectSwitch(failure: StoreFailure): void {
    this.#switching?.reject(failure);
    this.#switching = null;
  }

  /** With `normal`, flushes what is not flushed yet. Marks the end of a log that has become idle. */
  #tick(): void {
    const file = this.#file;
    if (file === null || this.failure !== null) return;
    if (this.#options.sync === "normal" && file.durableTo < file.end && this.#flushingDirty === null) {
      this.#flushingDirty = file
        .flush()
        .catch((error: Error) => this.#fail(error))
        .finally(() => {
          this.#flushingDirty = null;
        });
    }
    if (this.#flushing === null && file.lacksMark) this.append(EMPTY).catch(() => {});
  }
}

const takenOver = (): Error => new Error("another process has taken it while this one was suspended");
