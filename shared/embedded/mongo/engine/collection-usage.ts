import type { Collection } from "./collection.ts";

export type OperationKind = "insert" | "query" | "update" | "remove" | "getmore" | "command";

export interface Usage {
  /** Milliseconds. */
  time: number;
  count: number;
}

/** Zero counts for each kind of statement. */
export const noOperations = (): Record<OperationKind, number> => ({
  insert: 0,
  query: 0,
  update: 0,
  remove: 0,
  getmore: 0,
  command: 0,
});

const WRITES: ReadonlySet<OperationKind> = new Set(["insert", "update", "remove"]);

export const isWriteKind = (kind: OperationKind): boolean => WRITES.has(kind);

/** How often a collection was used, and for how long. */
export class CollectionUsage {
  readonly reads: Usage = { time: 0, count: 0 };
  readonly writes: Usage = { time: 0, count: 0 };
  readonly kinds: Record<OperationKind, Usage> = {
    insert: { time: 0, count: 0 },
    query: { time: 0, count: 0 },
    update: { time: 0, count: 0 },
    remove: { time: 0, count: 0 },
    getmore: { time: 0, count: 0 },
    command: { time: 0, count: 0 },
  };

  add(kind: OperationKind, time: number): void {
    for (const usage of [this.kinds[kind], isWriteKind(kind) ? this.writes : this.reads]) {
      usage.time += time;
      usage.count += 1;
    }
  }
}

const usages = new WeakMap<Collection, CollectionUsage>();

/** The entry is dropped together with the collection. */
export function usageOf(collection: Collection): CollectionUsage {
  let usage = usages.get(collection);
  if (usage === undefined) {
    usage = new CollectionUsage();
    usages.set(collection, usage);
  }
  return usage;
}
