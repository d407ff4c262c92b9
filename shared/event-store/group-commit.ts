/** Something to be committed, together with others where possible. */
export interface GroupItem {
  /** What it changes. Two groups that are being committed at the same time share no key. */
  readonly keys: readonly string[];
}

export interface GroupCommitOptions<Item extends GroupItem> {
  /** Groups committed at the same time. */
  readonly concurrency: number;
  /** Keys of one group; an item with more makes a group of its own. */
  readonly maxKeys: number;
  /** Commits a group and reports the outcome to each of its items. It must not reject. */
  readonly commit: (group: readonly Item[]) => Promise<void>;
}

export interface GroupCommit<Item extends GroupItem> {
  add(item: Item): void;
  /** Resolves when no item waits and no group is being committed. */
  idle(): Promise<void>;
}

/**
 * Group commit: everything that arrives while transactions are under way is written by the next one together. Items
 * that share a key are committed in the order of their arrival, in one group or one group after the other.
 */
export function createGroupCommit<Item extends GroupItem>(
  options: GroupCommitOptions<Item>,
): GroupCommit<Item> {
  const { concurrency, maxKeys, commit } = options;
  const locked = new Set<string>();
  let queue: Item[] = [];
  let running = 0;
  let isScheduled = false;
  const idleWaiters: (() => void)[] = [];

  /** After the current turn of the event loop, so that items added together form one group. */
  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    queueMicrotask(() => {
      isScheduled = false;
      startGroups();
    });
  }

  function startGroups(): void {
    while (running < concurrency && queue.length > 0) {
      const group = takeGroup();
      if (group.length === 0) return;
      running += 1;
      void commit(group).then(() => {
        running -= 1;
        for (const { keys } of group) for (const key of keys) locked.delete(key);
        if (queue.length > 0) schedule();
        else if (running === 0) for (const resolve of idleWaiters.splice(0)) resolve();
      });
    }
  }

  /** The oldest items whose keys are free. An item that has to wait blocks the later ones that share a key with it. */
  function takeGroup(): Item[] {
    const group: Item[] = [];
    const left: Item[] = [];
    const taken = new Set<string>();
    const blocked = new Set<string>();
    let position = 0;
    for (; position < queue.length && taken.size < maxKeys; position++) {
      const item = queue[position] as Item;
      let mustWait = false;
      for (const key of item.keys) mustWait ||= locked.has(key) || blocked.has(key);
      for (const key of item.keys) (mustWait ? blocked : taken).add(key);
      (mustWait ? left : group).push(item);
    }
    queue = left.length === 0 && position === queue.length ? [] : [...left, ...queue.slice(position)];
    for (const key of taken) locked.add(key);
    return group;
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
