import { CommandFault } from "../bson/fault.ts";
import type { Timestamp } from "../bson/values.ts";
import type { ReadView } from "../engine/document-record.ts";
import type { Engine } from "../engine/engine.ts";
import type { ClusterTime } from "./cluster-time.ts";

const KEPT_MS = 5 * 60_000;
const MAX_KEPT = 1_000;
const SWEEP_INTERVAL_MS = 10_000;

/** A state of the data that clients can read by its cluster time. */
export interface Snapshot {
  readonly time: Timestamp;
  readonly view: ReadView;
}

interface Kept extends Snapshot {
  lastUsed: number;
}

/**
 * The snapshots of reads outside of transactions. Each is kept for five minutes after its last use for later
 * reads of the same session.
 */
export class Snapshots {
  readonly #engine: Engine;
  readonly #clusterTime: ClusterTime;
  readonly #kept = new Map<bigint, Kept>();
  readonly #timer: NodeJS.Timeout;

  constructor(engine: Engine, clusterTime: ClusterTime) {
    this.#engine = engine;
    this.#clusterTime = clusterTime;
    this.#timer = setInterval(() => this.#sweep(Date.now()), SWEEP_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Takes a snapshot of the current state at the current cluster time. */
  take(): Snapshot {
    const time = this.#clusterTime.now();
    const known = this.#kept.get(time.value);
    if (known !== undefined) return this.#used(known);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size >= MAX_KEPT) this.#release(oldest!);
    const taken: Kept = { time, view: this.#engine.openView(), lastUsed: Date.now() };
    this.#kept.set(time.value, taken);
    return taken;
  }

  /**
   * @throws CommandFault 72 for a time in the future, 239 for a snapshot that was never taken or has expired
   */
  at(time: Timestamp): Snapshot {
    const known = this.#kept.get(time.value);
    if (known !== undefined) return this.#used(known);
    const now = this.#clusterTime.now().value;
    if (time.value === now) return this.take();
    if (time.value > now)
      throw new CommandFault(
        72,
        "readConcern atClusterTime value must not be greater than the current clusterTime",
      );
    throw new CommandFault(
      239,
      "This atClusterTime is not available: a state is kept for five minutes after a snapshot read has used it",
    );
  }

  close(): void {
    clearInterval(this.#timer);
    for (const time of [...this.#kept.keys()]) this.#release(time);
  }

  #used(kept: Kept): Kept {
    kept.lastUsed = Date.now();
    return kept;
  }

  #release(time: bigint): void {
    this.#engine.versions.close(this.#kept.get(time)!.view);
    this.#kept.delete(time);
  }

  #sweep(now: number): void {
    for (const [time, { lastUsed }] of this.#kept) if (now - lastUsed > KEPT_MS) this.#release(time);
  }
}
