import { type AnyBulkWriteOperation, type Db, UUID } from "mongodb";
import { AppError, errorMessage } from "../../../shared/errors.ts";
import type { Transaction } from "../../../shared/event-store/event-store.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import { mongoTransaction } from "../../../shared/event-store/mongo-transaction.ts";
import type { Log } from "../../../shared/log.ts";

/** Another scheduler has taken over. Decisions of this one must not be stored. */
export class Fenced extends AppError {
  constructor() {
    super("Another scheduler has taken over; this one stores nothing", {
      type: "SCHEDULER_FENCED",
    });
  }
}

/** Keeps a scheduler that has lost its lease from storing anything, independent of its clock. See ADR 12. */
export interface Fence {
  /**
   * Shuts out all earlier epochs: their open transactions are aborted, and none of them commits afterwards. What they
   * have committed is visible to every read that starts after this.
   *
   * @throws `STORE_UNAVAILABLE`
   */
  raise(epoch: number, sessions: readonly string[]): Promise<void>;
  /**
   * Makes a transaction commit only if the epoch is not shut out.
   *
   * @throws Fenced `SCHEDULER_FENCED`
   */
  hold(transaction: Transaction, epoch: number): Promise<void>;
  /**
   * For decisions that store nothing.
   *
   * @throws Fenced `SCHEDULER_FENCED` if the epoch is shut out
   */
  check(epoch: number): Promise<void>;
}

/** One document for each concurrent transaction of a scheduler, so that these do not conflict. */
export interface FenceDocument {
  readonly _id: string;
  readonly epoch: number;
  readonly uses: number;
}

/** Maximum number of concurrent transactions of a scheduler, including those that exceed their time limit. */
export const FENCE_SLOTS = 16;

const TRIES = 10;
/** How long to wait for a transaction that started after the open ones were aborted. */
const RAISE_LIMIT_MS = 1000;

export function mongoFence(db: Db, log: Log): Fence {
  const fences = db.collection<FenceDocument>("fences");
  const idOf = (slot: number) => `scheduler/${slot}`;

  /** Otherwise the open transaction of a frozen scheduler could lock a fence document for up to a minute. */
  async function endTransactions(sessions: readonly string[]): Promise<void> {
    if (sessions.length === 0) return;
    const killSessions = sessions.map((id) => ({ id: new UUID(id) }));
    try {
      await db.admin().command({ killSessions });
    } catch (error) {
      log.warn(
        { reason: errorMessage(error) },
        "open transactions of the previous scheduler could not be aborted; waiting for them",
      );
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
