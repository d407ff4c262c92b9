import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log.ts";
import type { OutboxStore } from "./outbox-store.ts";

export interface AdoptionOptions {
  readonly store: Pick<OutboxStore, "others" | "abandoned" | "endTransactions" | "unsent" | "removeEnded">;
  readonly log: Log;
  /** Interval of the search for processes that have ended (ms). */
  readonly everyMs: number;
  /**
   * Queues events to be resent, and calls back for each that the bus has accepted. Resolves when there is room for
   * more.
   */
  enqueue(events: readonly DomainEnvelope[], onAccepted: () => void): Promise<void>;
}

/**
 * Sends the events that other writers of the same service left unsent. If one still runs, both send them: that is
 * harmless.
 */
export interface Adoption {
  /** Queues the unsent events of all other writers. For a caller that is the only one entitled to write. */
  adoptAll(): Promise<void>;
  /** Does so for the writers whose process has ended, at once and then periodically until `stop`. */
  adoptEnded(): void;
  stop(): void;
}

const CHUNK = 5000;

export function createAdoption({ store, log, everyMs, enqueue }: AdoptionOptions): Adoption {
  /** Writers whose events are queued: they are not queued a second time. */
  const inFlight = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function adoptFrom(writer: string): Promise<void> {
    if (inFlight.has(writer)) return;
    inFlight.add(writer);
    log.info({ writer }, "sending what an earlier process left in its outbox");
    let left = 1;
    let isComplete = false;
    const done = () => {
      left -= 1;
      if (left > 0) return;
      const removed = isComplete ? remove(writer) : Promise.resolve();
      void removed.then(() => inFlight.delete(writer));
    };
    try {
      await endTransactions(writer);
      for await (const events of store.unsent(writer, CHUNK)) {
        left += events.length;
        await enqueue(events, done);
      }
      isComplete = true;
    } finally {
      done();
    }
  }

  /** Otherwise an open one would keep its documents locked for a minute, or commit after its events were searched. */
  async function endTransactions(writer: string): Promise<void> {
    try {
      await store.endTransactions?.(writer);
    } catch (error) {
      log.warn(
        { writer, reason: errorMessage(error) },
        "open transactions of an earlier process could not be aborted; the server ends them",
      );
    }
  }

  function remove(writer: string): Promise<void> {
    return store.removeEnded(writer).catch((error: unknown) => {
      log.warn(
        { writer, reason: errorMessage(error) },
        "an adopted outbox stays listed and will be sent again",
      );
    });
  }

  async function adoptFromAll(writers: readonly string[]): Promise<void> {
    for (const writer of writers) if (!isStopped) await adoptFrom(writer);
  }

  async function search(): Promise<void> {
    try {
      await adoptFromAll(await store.abandoned());
    } catch (error) {
      log.warn({ reason: errorMessage(error) }, "ended processes cannot be looked for; trying again");
    }
    if (!isStopped) timer = setTimeout(search, everyMs);
  }

  return {
    adoptAll: async () => adoptFromAll(await store.others()),
    adoptEnded: () => void search(),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
