import { CommandFault } from "../bson/fault.ts";
import { Binary, type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import type { Engine } from "../engine/engine.ts";
import { Session, type TransactionCounts } from "./session.ts";

const SESSION_TIMEOUT_MS = 30 * 60_000;
const MAX_SESSIONS = 100_000;
const SWEEP_INTERVAL_MS = 1_000;

/** All logical sessions. Idle sessions and idle transactions expire. */
export class Sessions {
  /** An idle transaction holds locks and old versions; it is aborted after this time. */
  transactionLifetimeMs = 60_000;
  readonly transactionCounts: TransactionCounts = { started: 0, committed: 0, aborted: 0 };
  readonly #sessions = new Map<string, Session>();
  readonly #engine: Engine;
  readonly #timer: NodeJS.Timeout;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#timer = setInterval(() => this.#sweep(Date.now()), SWEEP_INTERVAL_MS);
    this.#timer.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Returns the session of a command's `lsid`, and creates it if it is new. */
  use(lsid: BsonValue): Session {
    const key = sessionKey(lsid);
    let session = this.#sessions.get(key);
    if (session === undefined) {
      if (this.#sessions.size >= MAX_SESSIONS)
        throw new CommandFault(261, `cannot add session: ${MAX_SESSIONS} are open`);
      session = new Session(key, this.transactionCounts);
      this.#sessions.set(key, session);
    }
    session.lastUsed = Date.now();
    return session;
  }

  find(lsid: BsonValue): Session | undefined {
    return this.#sessions.get(sessionKey(lsid));
  }

  /** Aborts the session's open transaction. A committed one stays known, because its commit may be repeated. */
  kill(session: Session): void {
    void session.abort(this.#engine);
  }

  end(session: Session): void {
    void session.abort(this.#engine);
    this.#sessions.delete(session.key);
  }

  /**
   * Aborts open transactions of all sessions for `killAllSessions`; outcomes of retryable writes are kept.
   */
  abortAll(): void {
    for (const session of this.#sessions.values()) void session.abort(this.#engine);
  }

  restore(entry: BsonDocument): void {
    this.use(new Map([["id", entry.get("lsid")!]])).restore(entry);
  }

  /** The entries of all sessions for a snapshot of the store. */
  *entries(): Generator<BsonDocument> {
    for (const session of this.#sessions.values()) {
      if (session.state === "committed" || session.outcomes.size > 0) yield session.entry();
    }
  }

  *all(): Generator<Session> {
    yield* this.#sessions.values();
  }

  close(): void {
    clearInterval(this.#timer);
    this.abortAll();
  }

  #sweep(now: number): void {
    for (const session of this.#sessions.values()) {
      if (session.running > 0) continue;
      const idle = now - session.lastUsed;
      if (session.transaction !== null && idle > this.transactionLifetimeMs) void session.abort(this.#engine);
      if (idle > SESSION_TIMEOUT_MS) this.end(session);
    }
  }
}

function sessionKey(lsid: BsonValue): string {
  const id = isDocument(lsid) ? lsid.get("id") : undefined;
  if (id instanceof Binary && id.bytes.length === 16) return Buffer.from(id.bytes).toString("latin1");
  if (isDocument(lsid) && id === undefined)
    throw new CommandFault(40414, "BSON field 'lsid.id' is missing but a required field");
  throw new CommandFault(14, "lsid must be { id: <UUID> }");
}
