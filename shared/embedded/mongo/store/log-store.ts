import { readdir } from "node:fs/promises";
import type { Batch } from "./batch.ts";
import type { Disk } from "./disk.ts";
import { loadDirectory, logPath, removeOldFiles } from "./log-directory.ts";
import { LogFile } from "./log-file.ts";
import { FRAME_HEADER_BYTES, frameHeader } from "./log-frames.ts";
import { writeSnapshot } from "./snapshot.ts";
import type { SnapshotSource, Store, StoreStats } from "./store.ts";

const FLUSH_INTERVAL_MS = 1_000;
/** A log smaller than this is read in a moment: compaction would gain nothing. */
const SMALLEST_COMPACTION = 64 * 1024 * 1024;

export interface LogStoreOptions {
  readonly directory: string;
  /** "full": durable against loss of power; "normal": against the end of the process, and of power up to a second. */
  readonly sync: "full" | "normal";
  readonly disk: Disk;
  readonly compactAtBytes?: number;
  /** False once the directory belongs to another process: then nothing in it may be changed any more. */
  readonly isHeld: () => boolean;
  log(message: string): void;
}

interface Waiting {
  readonly batch: Batch;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * An append-only log of checksummed batches with group commit: whatever has been appended while one flush runs
 * goes out with the next.
 *
 * The first write error ends writing for good: what the file holds behind it is unknown.
 */
export class LogStore implements Store {
  readonly isVolatile = false;
  failure: Error | null = null;
  readonly #options: LogStoreOptions;
  #file: LogFile | null = null;
  #generation = 0;
  #queue: Waiting[] = [];
  #flushing: Promise<void> | null = null;
  #isDirty = false;
  #isCompacting = false;
  #isClosed = false;
  /** The log of the next generation, taken between two groups. */
  #next: { readonly file: LogFile; readonly taken: () => void } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #logBytes = 0;
  #snapshotBytes = 0;
  #batches = 0;
  #flushes = 0;

  constructor(options: LogStoreOptions) {
    this.#options = options;
  }

  async load(apply: (batch: Uint8Array) => Promise<void>): Promise<void> {
    const { directory, log } = this.#options;
    const loaded = await loadDirectory(directory, apply);
    if (loaded.tornBytes > 0)
      log(`cut ${loaded.tornBytes} bytes of an unfinished batch off the log in ${directory}`);
    this.#generation = loaded.generation;
    this.#logBytes = loaded.logBytes;
    this.#snapshotBytes = loaded.snapshotBytes;
    this.#file = await this.#openLog(this.#generation, loaded.endOfLog);
    if (this.#options.sync === "normal") {
      this.#timer = setInterval(() => void this.#flushDirty(), FLUSH_INTERVAL_MS);
      this.#timer.unref();
    }
  }

  append(batch: Batch): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.#isClosed) return Promise.reject(new Error("the server has been stopped"));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push({ batch, resolve, reject });
    this.#flushing ??= this.#flushQueue();
    return promise;
  }

  async compactIfDue(source: SnapshotSource): Promise<void> {
    const due = Math.max(this.#options.compactAtBytes ?? SMALLEST_COMPACTION, this.#snapshotBytes);
    if (this.failure !== null || this.#isCompacting || this.#logBytes < due) return;
    this.#isCompacting = true;
    try {
      await this.#compact(source);
    } finally {
      this.#isCompacting = false;
    }
  }

  stats(): StoreStats {
    return { bytes: this.#logBytes + this.#snapshotBytes, batches: this.#batches, flushes: this.#flushes };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#flushing;
    if (this.failure === null && !this.#options.isHeld()) this.#fail(takenOver(), []);
    const file = this.#file;
    this.#file = null;
    await (this.failure === null ? file?.close() : file?.abandon());
  }

  async #openLog(generation: number, length: number): Promise<LogFile> {
    const { disk, directory, sync } = this.#options;
    const path = logPath(directory, generation);
    const file = await LogFile.open({ disk, path, length, reserves: sync === "full" });
    if (length === 0) await disk.flushDirectory(directory);
    return file;
  }

  async #flushQueue(): Promise<void> {
    // Commits of the same turn of the event loop share the first flush too.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.failure === null) {
      this.#takeNextLog();
      if (this.#queue.length === 0) break;
      const group = this.#queue;
      this.#queue = [];
      try {
        await this.#writeGroup(group);
        for (const { resolve } of group) resolve();
      } catch (error) {
        this.#fail(error as Error, group);
      }
    }
    this.#flushing = null;
  }

  #takeNextLog(): void {
    if (this.#next === null) return;
    this.#file = this.#next.file;
    this.#next.taken();
    this.#next = null;
  }

  /**
   * Starts a new log, writes what lives into a snapshot, and then removes the files that the snapshot replaces.
   * The source is asked after the switch: what it does not see is in the new log.
   */
  async #compact(source: SnapshotSource): Promise<void> {
    const { directory, disk } = this.#options;
    const generation = this.#generation + 1;
    const previous = this.#file!;
    const file = await this.#openLog(generation, 0);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#next = { file, taken: resolve };
    this.#flushing ??= this.#flushQueue();
    await promise;
    const oldLogBytes = this.#logBytes;
    this.#generation = generation;
    this.#requireHeld();
    await previous.close();
    this.#snapshotBytes = await writeSnapshot({ directory, disk, generation, batches: source() });
    this.#logBytes -= oldLogBytes;
    this.#requireHeld();
    await removeOldFiles(directory, await readdir(directory), generation);
  }

  /** @throws Error after a suspension during which another process has taken the directory for abandoned */
  #requireHeld(): void {
    if (!this.#options.isHeld()) throw takenOver();
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    const file = this.#file!;
    const buffers: Uint8Array[] = [];
    let bytes = 0;
    for (const { batch } of group) {
      buffers.push(frameHeader(batch), ...batch.pieces);
      bytes += FRAME_HEADER_BYTES + batch.length;
    }
    this.#requireHeld();
    await file.append(buffers);
    this.#isDirty = true;
    if (this.#options.sync === "full") await file.flush();
    this.#requireHeld();
    file.reserve();
    this.#logBytes += bytes;
    this.#batches += group.length;
    this.#flushes += 1;
  }

  #fail(error: Error, group: readonly Waiting[]): void {
    this.failure = error;
    this.#options.log(`the data directory ${this.#options.directory} refuses writes: ${error.message}`);
    for (const { reject } of [...group, ...this.#queue]) reject(error);
    this.#queue = [];
  }

  async #flushDirty(): Promise<void> {
    if (!this.#isDirty || this.failure !== null) return;
    this.#isDirty = false;
    try {
      await this.#file?.flush();
    } catch (error) {
      this.#fail(error as Error, []);
    }
  }
}

const takenOver = (): Error => new Error("another process has taken it while this one was suspended");
