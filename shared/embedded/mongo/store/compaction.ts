import { readdir } from "node:fs/promises";
import type { Disk } from "./disk.ts";
import { requireSpace } from "./disk-space.ts";
import { removeOldFiles } from "./log-directory.ts";
import { writeSnapshot } from "./snapshot.ts";
import type { SnapshotSource } from "./store.ts";

/** Smaller logs are read quickly, so compaction would gain nothing. */
const MIN_LOG_BYTES = 64 * 1024 * 1024;
const FIRST_RETRY_MS = 5_000;
const MAX_RETRY_MS = 10 * 60_000;

export interface CompactionOptions {
  readonly directory: string;
  readonly disk: Disk;
  readonly compactAtBytes?: number;
  log(message: string): void;
}

/** What a compaction needs from the log. */
export interface CompactedLog {
  /** Total size of all logs. */
  readonly bytes: number;
  /** Begins a new log and resolves with its generation. Later commits are in that log or in later ones. */
  beginNext(): Promise<number>;
  /** Resolves when everything that has been appended is durable. */
  confirm(): Promise<void>;
  /** @throws Error if the files now belong to another process */
  requireHeld(): void;
}

/** Replaces old logs by a snapshot. A failure is logged and retried with growing delays. */
export class Compaction {
  snapshotBytes = 0;
  readonly #options: CompactionOptions;
  #isRunning = false;
  #delay = 0;
  #notBefore = 0;

  constructor(options: CompactionOptions) {
    this.#options = options;
  }

  /** Resolves with the total size of the removed logs. */
  async runIfDue(source: SnapshotSource, log: CompactedLog): Promise<number> {
    const due = Math.max(this.#options.compactAtBytes ?? MIN_LOG_BYTES, this.snapshotBytes);
    if (this.#isRunning || log.bytes < due || performance.now() < this.#notBefore) return 0;
    this.#isRunning = true;
    try {
      const replaced = await this.#run(source, log);
      this.#delay = 0;
      return replaced;
    } catch (error) {
      this.#putOff(error as Error);
      return 0;
    } finally {
      this.#isRunning = false;
    }
  }

  /**
   * Begins a new log, writes the current content into a snapshot, and then removes the files that the snapshot
   * replaces. The source is read after the switch, so what it does not contain is in the new log.
   */
  async #run(source: SnapshotSource, log: CompactedLog): Promise<number> {
    const { directory, disk } = this.#options;
    await requireSpace(disk, directory, this.snapshotBytes);
    const generation = await log.beginNext();
    const replaced = log.bytes;
    // The snapshot may contain a commit that is not yet written to the log.
    const confirm = () => log.confirm();
    this.snapshotBytes = await writeSnapshot({ directory, disk, generation, batches: source(), confirm });
    log.requireHeld();
    await removeOldFiles(directory, await readdir(directory), generation);
    return replaced;
  }

  #putOff({ message }: Error): void {
    const { directory, log } = this.#options;
    this.#delay = Math.min(this.#delay * 2 || FIRST_RETRY_MS, MAX_RETRY_MS);
    this.#notBefore = performance.now() + this.#delay;
    log(`the log in ${directory} cannot be compacted (${message}): retry in ${this.#delay / 1000} s`);
  }
}
