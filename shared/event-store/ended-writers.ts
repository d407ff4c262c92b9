import { isGone, type ProcessIdentity } from "../process-identity.ts";

/** A writer of events as another process finds it stored. */
export interface WriterEntry extends ProcessIdentity {
  readonly id: string;
  readonly seenAt: number;
}

/** Recognises writers whose process has ended. */
export interface EndedWriters {
  /** Certain for a process of this host; any other has ended if its entry has not changed for the time of silence. */
  hasEnded(entry: WriterEntry): boolean;
  /** Stops watching a writer. */
  remove(id: string): void;
}

export function endedWriters(silenceMs = 60_000): EndedWriters {
  /** Since when each writer's entry has not changed, by this process's clock: clocks of machines differ. */
  const watched = new Map<string, { readonly seenAt: number; readonly since: number }>();

  function isSilent({ id, seenAt }: WriterEntry): boolean {
    const known = watched.get(id);
    if (known?.seenAt === seenAt) return performance.now() - known.since >= silenceMs;
    watched.set(id, { seenAt, since: performance.now() });
    return false;
  }

  return {
    hasEnded: (entry) => isGone(entry) || isSilent(entry),
    remove: (id) => void watched.delete(id),
  };
}
