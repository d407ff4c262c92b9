import { type AnyBulkWriteOperation, type Db, UUID } from "mongodb";
import { AppError, errorMessage } from "../../../shared/errors.ts";
import type { Transaction } from "../../../shared/event-store/event-store.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import { mongoTransaction } from "../../../shared/event-store/mongo-transaction.ts";
import type { Log } from "../../../shared/log.ts";

/** Another scheduler has taken over: nothing that was decided before may be stored any more. */
export class Fenced extends AppError {
  constructor() {
    super("Another scheduler is active by now; this one changes nothing any more.", {
      type: "SCHEDULER_FENCED",
    });
  }
}

/** Keeps a scheduler whose lease has moved from storing anything, whatever its clock says. See ADR 12. */
export interface Fence {
  /**
   * Shuts out all earlier epochs: their open transactions are ended, and none of them commits afterwards. What they
   * had committed is visible to every read that begins after this. Error: `STORE_UNAVAILABLE`.
   */
  raise(epoch: number, sessions: readonly string[]): Promise<void>;
  /** Makes a transaction commit only while the epoch is not shut out. Error: `SCHEDULER_FENCED`. */
  hold(transaction: Transaction, epoch: number): Promise<void>;
  /** Throws `SCHEDULER_FENCED` where the epoch is shut out already; for decisions that store nothing. */
  check(epoch: number): Promise<void>;
}

/** One document for each transaction that may be under way in one scheduler, so that these do not conflict. */
export interface FenceDocument {
  readonly _id: string;
  readonly epoch: number;
  readonly uses: number;
}

/** Transactions of one scheduler under way at the same time, those included that the store does not end in time. */
export const FENCE_SLOTS = 16;

const TRIES = 10;
/** A transaction that began between two looks is waited for no longer than this. */
const RAISE_LIMIT_MS = 1000;

export function mongoFence(db: Db, log: Log): Fence {
  const fences = db.collection<FenceDocument>("fences");
  const idOf = (slot: number) => `scheduler/${slot}`;

  /** A frozen scheduler's open transaction holds its fence for up to a minute. */
  async function endTransactions(sessions: readonly string[]): Promise<void> {
    if (sessions.length === 0) return;
    const killSessions = sessions.map((id) => ({ id: new UUID(id) }));
    try {
      await db.admin().command({ killSessions });
    } catch (error) {
      log.warn({ reason: errorMessage(error) }, "open transactions of the previous scheduler are waited for");
    }
  }

  return {
    async raise(epoch, sessions) {
      const operations = Array.from(
        { length: FENCE_SLOTS },
        (_, slot): AnyBulkWriteOperation<FenceDocument> => ({
          updateOne: {
            filter: { _id: idOf(slot) },
            update: { $max: { epoch }, $setOnInsert: { uses: 0 } },
            upsert: true,
          },
        }),
      );
      for (let tries = 1; ; tries++) {
        await endTransactions(sessions);
        try {
          await withStoreErrors(fences.bulkWrite(operations, { ordered: false, maxTimeMS: RAISE_LIMIT_MS }));
          return;
        } catch (error) {
          if (tries === TRIES) throw error;
          log.warn({ reason: errorMessage(error), tries }, "the fence cannot be raised yet; trying again");
        }
      }
    },

    async hold(transaction, epoch) {
      const { session, slot } = mongoTransaction(transaction);
      const query = { _id: idOf(slot), epoch };
      const { matchedCount } = await fences.updateOne(query, { $inc: { uses: 1 } }, { session });
      if (matchedCount !== 1) throw new Fenced();
    },

    async check(epoch) {
      const query = { _id: idOf(0), epoch };
      if (!(await withStoreErrors(fences.findOne(query, { readConcern: { level: "majority" } }))))
        throw new Fenced();
    },
  };
}
