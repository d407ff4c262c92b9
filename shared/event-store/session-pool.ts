import { type ClientSession, type MongoClient, UUID } from "mongodb";
import { StoreUnavailable } from "./event-store.ts";
import { withStoreErrors } from "./mongo-errors.ts";

/** A session for one transaction. */
export interface TakenSession {
  /** Its position in the pool, from 0; concurrent transactions have different positions. */
  readonly slot: number;
  readonly session: ClientSession;
  /** The session's id, as UUID text. */
  readonly id: string;
  release(): void;
}

/**
 * The sessions of one process's transactions. They are few, are reused and have known ids, so that another process can
 * end the transactions that this process left open. The client ends the sessions when it is closed.
 */
export interface SessionPool {
  /** @throws `STORE_UNAVAILABLE` while `max` transactions are under way; the errors of `register` */
  take(): Promise<TakenSession>;
  /** Ids of all sessions opened so far, as UUID texts. */
  ids(): readonly string[];
  /**
   * Aborts the open transactions of these sessions, which may belong to other processes. A process that still runs
   * repeats its transaction. What has committed stays committed.
   *
   * @throws `STORE_UNAVAILABLE`
   */
  endTransactions(ids: readonly string[]): Promise<void>;
}

export interface SessionPoolOptions {
  /** Transactions under way at the same time. */
  readonly max?: number;
  /** Called with all ids, and awaited, before the first transaction of a new session. */
  readonly register?: (ids: readonly string[]) => Promise<void>;
}

interface PooledSession {
  readonly slot: number;
  readonly session: ClientSession;
  isRegistered: boolean;
}

export function createSessionPool(client: MongoClient, options: SessionPoolOptions = {}): SessionPool {
  const { max = Number.POSITIVE_INFINITY, register } = options;
  const all: PooledSession[] = [];
  const free: PooledSession[] = [];
  const ids = () => all.map(({ session }) => uuidOf(session));

  function open(): PooledSession {
    if (all.length >= max) throw new StoreUnavailable(new Error(`${max} transactions are under way`));
    const opened = { slot: all.length, session: client.startSession(), isRegistered: register === undefined };
    all.push(opened);
    return opened;
  }

  return {
    async take() {
      const taken = free.pop() ?? open();
      const release = () => void free.push(taken);
      if (!taken.isRegistered) {
        try {
          await register?.(ids());
          taken.isRegistered = true;
        } catch (error) {
          release();
          throw error;
        }
      }
      const { slot, session } = taken;
      return { slot, session, id: uuidOf(session), release };
    },
    ids,
    async endTransactions(ended) {
      if (ended.length === 0) return;
      const killSessions = ended.map((id) => ({ id: new UUID(id) }));
      await withStoreErrors(client.db("admin").command({ killSessions }));
    },
  };
}

function uuidOf({ id }: ClientSession): string {
  if (!id) throw new Error("a session was closed while its pool was in use");
  return id.id.toUUID().toString();
}
