import type { Clock } from "../../../shared/clock.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import type { DuePage, DuePosition, TaskStore, VersionedTask } from "../store/mongo-tasks.ts";

/** Loads the active tasks that are due soon, page by page, sorted by their next occurrence. */
export interface NearFuture {
  /** Loads the first page. Resolves when it is loaded, or could not be loaded. */
  start(): Promise<void>;
  /** Loads the next page in the background, unless a page is being loaded or there is no room for it. */
  loadNext(): void;
  /** When to load the next page (ms). */
  loadAt(): number;
  /** Every active task whose next occurrence is not after this instant (ms) was passed to `onPage`. */
  loadedUntil(): number;
  /** Records a new state. A page that is being loaded may contain an older one. */
  stateChanged(taskId: string, state: VersionedTask): void;
  /** Resolves when no page is being loaded. */
  idle(): Promise<void>;
}

export interface LoadedPage {
  readonly states: DuePage["states"];
  /** States that changed while the page was being loaded; more may be added until `onPage` resolves. */
  readonly changed: ReadonlyMap<string, VersionedTask>;
}

export interface NearFutureOptions {
  readonly tasks: Pick<TaskStore, "dueAfter">;
  readonly clock: Clock;
  readonly log: Log;
  readonly lookAheadMs: number;
  readonly pageSize: number;
  /** False while no further tasks can be kept in memory. */
  readonly hasRoom: () => boolean;
  readonly onPage: (page: LoadedPage) => Promise<void>;
  /** Called when a page was loaded, or could not be loaded. */
  readonly onIdle: () => void;
}

const RETRY_MS = 200;
const FIRST_ID = "0".repeat(24);
const LAST_ID = "f".repeat(24);
const BEGINNING: DuePosition = { at: 0, taskId: FIRST_ID };

export function createNearFuture(options: NearFutureOptions): NearFuture {
  const { tasks, clock, log, lookAheadMs, pageSize, hasRoom, onPage, onIdle } = options;
  const changed = new Map<string, VersionedTask>();
  let loadedUntil = BEGINNING;
  let loadAt = 0;
  let loading: Promise<void> | undefined;

  function loadNext(): void {
    loadAt = clock.now() + RETRY_MS;
    if (loading || !hasRoom()) return;
    loading = loadPage()
      .catch((error: unknown) => {
        log.warn({ reason: errorMessage(error) }, "the next tasks cannot be loaded; trying again");
      })
      .finally(() => {
        loading = undefined;
        changed.clear();
        onIdle();
      });
  }

  async function loadPage(): Promise<void> {
    const until = clock.now() + lookAheadMs;
    const { states, end, unreadable } = await tasks.dueAfter(loadedUntil, until, pageSize);
    for (const fields of unreadable) log.error(fields, "a task cannot be read, so it does not run");
    loadedUntil = end ?? { at: until, taskId: LAST_ID };
    loadAt = end ? 0 : until - lookAheadMs / 2;
    await onPage({ states, changed });
  }

  return {
    async start() {
      loadedUntil = BEGINNING;
      loadNext();
      await loading;
    },
    loadNext,
    loadAt: () => loadAt,
    loadedUntil: () => loadedUntil.at,
    stateChanged(taskId, state) {
      if (loading) changed.set(taskId, state);
    },
    async idle() {
      await loading;
    },
  };
}
