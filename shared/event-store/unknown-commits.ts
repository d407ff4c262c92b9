import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { errorMessage } from "../errors.ts";
import type { Log } from "../log.ts";
import type { OutboxStore } from "./outbox-store.ts";

/** A commit whose outcome is unknown: its response was lost. */
export interface UnknownCommit {
  /** An id below those of all its events. */
  readonly floor: string;
  readonly events: readonly DomainEnvelope[];
}

export interface UnknownCommitsOptions {
  readonly store: Pick<OutboxStore, "stored">;
  readonly log: Log;
  /** Called with the floors of commits that were looked up, and those of their events that are stored. */
  readonly onKnown: (floors: readonly string[], stored: readonly DomainEnvelope[]) => void;
}

/** Commits with an unknown outcome. It is looked up which of their events are stored, until that is known. */
export interface UnknownCommits {
  add(commit: UnknownCommit): void;
  /** Number of their events. */
  count(): number;
  stop(): void;
}

const RETRY_MS = 200;

export function createUnknownCommits({ store, log, onKnown }: UnknownCommitsOptions): UnknownCommits {
  let commits: readonly UnknownCommit[] = [];
  let timer: NodeJS.Timeout | undefined;
  let state: "idle" | "looking up" | "stopped" = "idle";

  async function lookUp(): Promise<void> {
    state = "looking up";
    const requested = commits;
    const events = requested.flatMap((commit) => commit.events);
    try {
      const stored = await store.stored(events.map(({ id }) => id));
      commits = commits.slice(requested.length);
      onKnown(
        requested.map(({ floor }) => floor),
        events.filter(({ id }) => stored.has(id)),
      );
    } catch (error) {
      log.warn(
        { reason: errorMessage(error) },
        "the outbox cannot look up a commit without a response; it tries again",
      );
    }
    if (isStopped()) return;
    state = "idle";
    if (commits.length > 0) timer = setTimeout(lookUp, RETRY_MS);
  }

  /** A function, since the state changes while a lookup waits. */
  const isStopped = () => state === "stopped";

  return {
    add(commit) {
      const isFirst = commits.length === 0;
      commits = [...commits, commit];
      if (isFirst && state === "idle") void lookUp();
    },
    count: () => commits.reduce((total, { events }) => total + events.length, 0),
    stop() {
      state = "stopped";
      clearTimeout(timer);
    },
  };
}
