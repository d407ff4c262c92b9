import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log.ts";
import type { OutboxLedger } from "./outbox-ledger.ts";

/** A commit whose answer was lost. */
export interface SuspectCommit {
  /** An id below those of all its events. */
  readonly floor: string;
  readonly events: readonly DomainEnvelope[];
}

export interface SuspectsOptions {
  readonly ledger: Pick<OutboxLedger, "stored">;
  readonly log: Log;
  /** Called for commits that were looked up: their floors, and those of their events that are stored. */
  readonly onKnown: (floors: readonly string[], stored: readonly DomainEnvelope[]) => void;
}

/** Commits whose answer was lost: which of their events were stored is looked up until it is known. */
export interface Suspects {
  add(commit: SuspectCommit): void;
  /** Events that are not known to be stored or not. */
  count(): number;
  stop(): void;
}

const RETRY_MS = 200;

export function createSuspects({ ledger, log, onKnown }: SuspectsOptions): Suspects {
  let suspects: readonly SuspectCommit[] = [];
  let timer: NodeJS.Timeout | undefined;
  let isLooking = false;
  let isStopped = false;

  async function look(): Promise<void> {
    isLooking = true;
    const asked = suspects;
    const events = asked.flatMap((commit) => commit.events);
    try {
      const stored = await ledger.stored(events.map(({ id }) => id));
      suspects = suspects.slice(asked.length);
      onKnown(
        asked.map(({ floor }) => floor),
        events.filter(({ id }) => stored.has(id)),
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
    add(commit) {
      const isFirst = suspects.length === 0;
      suspects = [...suspects, commit];
      if (isFirst && !isLooking) void look();
    },
    count: () => suspects.reduce((total, { events }) => total + events.length, 0),
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
