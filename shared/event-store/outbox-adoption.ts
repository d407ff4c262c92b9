import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log.ts";
import type { OutboxLedger } from "./outbox-ledger.ts";

export interface AdoptionOptions {
  readonly ledger: OutboxLedger;
  readonly log: Log;
  /** Between two looks for processes that have ended. */
  readonly everyMs: number;
  /** Queues events to be sent as sent again, and tells of each that the bus has it; resolves when there is room for more. */
  enqueue(events: readonly DomainEnvelope[], onAccepted: () => void): Promise<void>;
}

/** Sends what other writers of the same service left unsent. One that lives sends the same, which is harmless. */
export interface Adoption {
  /** Queues what all others left unsent. For a caller who knows that it is the only one entitled to write. */
  adoptAll(): Promise<void>;
  /** Does so for those whose process has ended, at once and again and again until it is stopped. */
  adoptEnded(): void;
  stop(): void;
}

const CHUNK = 5000;

export function createAdoption({ ledger, log, everyMs, enqueue }: AdoptionOptions): Adoption {
  /** Writers whose events are on their way: they are not queued a second time. */
  const underWay = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  async function adoptFrom(writer: string): Promise<void> {
    if (underWay.has(writer)) return;
    underWay.add(writer);
    log.info({ writer }, "sending what an earlier process left in its outbox");
    let left = 1;
    let isComplete = false;
    const done = () => {
      left -= 1;
      if (left > 0) return;
      const forgotten = isComplete ? forget(writer) : Promise.resolve();
      void forgotten.then(() => underWay.delete(writer));
    };
    try {
      for await (const events of ledger.unsent(writer, CHUNK)) {
        left += events.length;
        await enqueue(events, done);
      }
      isComplete = true;
    } finally {
      done();
    }
  }

  function forget(writer: string): Promise<void> {
    return ledger.forgetEnded(writer).catch((error: unknown) => {
      log.warn(
        { writer, reason: errorMessage(error) },
        "an adopted outbox stays listed and will be sent again",
      );
    });
  }

  async function adoptFromAll(writers: readonly string[]): Promise<void> {
    for (const writer of writers) if (!isStopped) await adoptFrom(writer);
  }

  async function look(): Promise<void> {
    try {
      await adoptFromAll(await ledger.abandoned());
    } catch (error) {
      log.warn({ reason: errorMessage(error) }, "ended processes cannot be looked for; trying again");
    }
    if (!isStopped) timer = setTimeout(look, everyMs);
  }

  return {
    adoptAll: async () => adoptFromAll(await ledger.others()),
    adoptEnded: () => void look(),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
