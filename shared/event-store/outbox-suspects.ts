import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log.ts";
import type { OutboxLedger } from "./outbox-ledger.ts";

export interface SuspectsOptions {
  readonly ledger: Pick<OutboxLedger, "stored">;
  readonly log: Log;
  /** Called for those that were looked up, with those of them that are stored. */
  readonly onKnown: (asked: readonly DomainEnvelope[], stored: readonly DomainEnvelope[]) => void;
}

/** Events of commits whose answer was lost: which of them were stored is looked up until it is known. */
export interface Suspects {
  add(events: readonly DomainEnvelope[]): void;
  count(): number;
  stop(): void;
}

const RETRY_MS = 200;

export function createSuspects({ ledger, log, onKnown }: SuspectsOptions): Suspects {
  let suspects: readonly DomainEnvelope[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  let isStopped = false;

  async function look(): Promise<void> {
    isLooking = true;
    const asked = suspects;
    try {
      const stored = await ledger.stored(asked.map(({ id }) => id));
      suspects = suspects.slice(asked.length);
      onKnown(
        asked,
        asked.filter(({ id }) => stored.has(id)),
      );
    } catch (error) {
      log.warn(
        { reason: errorMessage(error) },
        "the outbox cannot look up a commit without an answer; it tries again",
      );
    }
    isLooking = false;
    if (suspects.length > 0 && !isStopped) timer = setTimeout(look, RETRY_MS);
  }

  return {
    add(events) {
      const isFirst = suspects.length === 0;
      suspects = [...suspects, ...events];
      if (isFirst && !isLooking && suspects.length > 0) void look();
    },
    count: () => suspects.length,
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
