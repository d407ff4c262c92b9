import type { Store } from "./store.ts";

/** Stores nothing: for tests, and for databases that end with their process. */
export const memoryStore = (): Store => ({
  isVolatile: true,
  failure: null,
  load: async () => {},
  append: () => DURABLE,
  recover: async () => {},
  compactIfDue: async () => {},
  stats: () => ({ bytes: 0, batches: 0, flushes: 0 }),
  close: async () => {},
});

const DURABLE = Promise.resolve();
