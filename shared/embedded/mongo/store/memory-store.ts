import type { Store } from "./store.ts";

/** Keeps nothing: for tests, and for whoever wants a database that ends with its process. */
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
