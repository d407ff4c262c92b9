import { type Collection, MongoServerError } from "mongodb";
import { StoreUnavailable } from "../../../shared/event-store/event-store.ts";
import { type ProcessIdentity, thisProcess } from "../../../shared/process-identity.ts";
import { withTimeLimit } from "../../../shared/time-limit.ts";

/** A document of `leases`: the holder, and a beat that changes while the holder is alive. */
export interface LeaseDocument extends ProcessIdentity {
  readonly _id: string;
  readonly holder: string;
  /** Grows with each change of the holder. */
  readonly epoch: number;
  /** Grows with each renewal. */
  readonly beat: number;
  readonly released: boolean;
  /** Ids of the sessions in which the holder may have open transactions; absent before version 0.2. */
  readonly sessions?: readonly string[];
  /** For operators. It is never compared with a clock. */
  readonly renewed_at: Date;
}

/** A lease that one node at a time holds. Clocks of different machines are never compared. */
export interface LeaseStore {
  read(): Promise<LeaseDocument | null>;
  /**
   * Acquires the lease after its last known state (null: there is none). Resolves to the new epoch, or to null if
   * another node was faster.
   */
  acquire(seen: LeaseDocument | null): Promise<number | null>;
  /** False if another node has acquired the lease. */
  renew(epoch: number): Promise<boolean>;
  release(epoch: number): Promise<void>;
  /** Stores the ids of the current sessions in the lease. False if another node has acquired it. */
  register(epoch: number): Promise<boolean>;
}

const DUPLICATE_KEY = 11_000;

export interface MongoLeaseOptions {
  readonly leases: Collection<LeaseDocument>;
  readonly name: string;
  readonly holder: string;
  /** How long one operation may take. */
  readonly timeoutMs: number;
  /** Ids of the sessions of this process's transactions. */
  readonly sessions: () => readonly string[];
}

export function mongoLease({ leases, name, holder, timeoutMs, sessions }: MongoLeaseOptions): LeaseStore {
  const options = { writeConcern: { w: "majority" } } as const;
  const limited = <T>(operation: Promise<T>) =>
    withTimeLimit(
      operation,
      timeoutMs,
      () => new StoreUnavailable(new Error(`no response within ${timeoutMs} ms`)),
    );
  const held = () => ({
    holder,
    ...thisProcess,
    released: false,
    sessions: sessions(),
    renewed_at: new Date(),
  });

  async function insertFirst(): Promise<number | null> {
    try {
      await leases.insertOne({ _id: name, ...held(), epoch: 1, beat: 1 }, options);
      return 1;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return null;
      throw error;
    }
  }

  return {
    read: () => limited(leases.findOne({ _id: name }, { readConcern: { level: "majority" } })),

    async acquire(seen) {
      if (seen === null) return limited(insertFirst());
      const { epoch, beat } = seen;
      const change = { $set: { ...held(), epoch: epoch + 1, beat: beat + 1 } };
      const { matchedCount } = await limited(leases.updateOne({ _id: name, epoch, beat }, change, options));
      return matchedCount === 1 ? epoch + 1 : null;
    },

    async renew(epoch) {
      const change = { $inc: { beat: 1 }, $set: { renewed_at: new Date() } };
      const { matchedCount } = await limited(leases.updateOne({ _id: name, epoch }, change, options));
      return matchedCount === 1;
    },

    async register(epoch) {
      const change = { $set: { sessions: sessions() } };
      const { matchedCount } = await limited(leases.updateOne({ _id: name, epoch }, change, options));
      return matchedCount === 1;
    },

    async release(epoch) {
      const change = { $set: { released: true }, $inc: { beat: 1 } };
      await limited(leases.updateOne({ _id: name, epoch }, change, options));
    },
  };
}
