import type { DomainEnvelope } from "../contracts/catalogue.ts";
import type { Checkpoint } from "./outbox-position.ts";

/**
 * What an outbox stores, so that another process can continue its work. Every method rejects while the store is away.
 */
export interface OutboxStore {
  /** The id of this outbox; it is in each event that it publishes. */
  readonly writer: string;
  register(position: string): Promise<void>;
  checkpoint(checkpoint: Checkpoint): Promise<void>;
  /** Aborts the open transactions of another writer; absent where the server does so when a connection ends. */
  endTransactions?(writer: string): Promise<void>;
  /** All other writers of the same service. */
  others(): Promise<readonly string[]>;
  /** Those of them whose process has ended. */
  abandoned(): Promise<readonly string[]>;
  /** A writer's events that the bus may not have, oldest first, in chunks. */
  unsent(writer: string, chunk: number): AsyncIterable<readonly DomainEnvelope[]>;
  /** Those of these event ids that are stored. */
  stored(ids: readonly string[]): Promise<ReadonlySet<string>>;
  remove(writer: string): Promise<void>;
  /** Removes a writer only if its process has ended: a running process needs its checkpoint. */
  removeEnded(writer: string): Promise<void>;
}
