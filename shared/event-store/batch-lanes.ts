/** Something that waits to be worked off together with others. */
export interface LaneItem {
  /** What it is about; two batches that are worked off at the same time have no key in common. */
  readonly keys: readonly string[];
}

export interface BatchLanesOptions<Item extends LaneItem> {
  /** Batches worked off at the same time. */
  readonly lanes: number;
  /** Keys that one batch may have; an item with more makes a batch of its own. */
  readonly maxKeys: number;
  /** Must not reject: it answers for every item of its batch. */
  readonly work: (batch: readonly Item[]) => Promise<void>;
}

export interface BatchLanes<Item extends LaneItem> {
  add(item: Item): void;
  /** Resolves when nothing waits and nothing is being worked off. */
  idle(): Promise<void>;
}

/**
 * Group commit: whatever arrives while the lanes are busy goes into the next batch together. Items with a key in
 * common are worked off in the order of their arrival, in one batch or one after the other.
 */
export function createBatchLanes<Item extends LaneItem>(options: BatchLanesOptions<Item>): BatchLanes<Item> {
  const { lanes, maxKeys, work } = options;
  const busy = new Set<string>();
  let queue: Item[] = [];
  let running = 0;
  let isScheduled = false;
  const idleWaiters: (() => void)[] = [];

  /** After the current turn, so that what is added in one go is one batch. */
  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      fill();
    });
  }

  function fill(): void {
    while (running < lanes && queue.length > 0) {
      const batch = takeBatch();
      if (batch.length === 0) return;
      running += 1;
      void work(batch).then(() => {
        running -= 1;
        for (const { keys } of batch) for (const key of keys) busy.delete(key);
        if (queue.length > 0) schedule();
        else if (running === 0) for (const wake of idleWaiters.splice(0)) wake();
      });
    }
  }

  /** The oldest items whose keys are free; one that has to wait holds back the later ones that share a key with it. */
  function takeBatch(): Item[] {
    const batch: Item[] = [];
    const left: Item[] = [];
    const taken = new Set<string>();
    const blocked = new Set<string>();
    let position = 0;
    for (; position < queue.length && taken.size < maxKeys; position++) {
      const item = queue[position] as Item;
      const mustWait = item.keys.some((key) => busy.has(key) || blocked.has(key));
      for (const key of item.keys) (mustWait ? blocked : taken).add(key);
      (mustWait ? left : batch).push(item);
    }
    queue = left.length === 0 && position === queue.length ? [] : [...left, ...queue.slice(position)];
    for (const key of taken) busy.add(key);
    return batch;
  }

  return {
    add(item) {
      queue.push(item);
      schedule();
    },
    idle: () =>
      queue.length === 0 && running === 0
        ? Promise.resolve()
        : new Promise((resolve) => idleWaiters.push(resolve)),
  };
}
