import type { Collection } from "mongodb";
import { withStoreErrors } from "./mongo-errors.ts";
import type { OutboxDocument } from "./mongo-outbox-store.ts";

/** An event's id and the outbox that publishes it. */
export interface WrittenEvent {
  readonly id: string;
  readonly writer: string;
}

/**
 * Returns those of these events that an outbox still has to send, according to its checkpoint. An event that was sent
 * within the last half second may be among them; an event that was not sent always is.
 *
 * @throws `STORE_UNAVAILABLE`
 */
export async function unsentOf(
  outboxes: Collection<OutboxDocument>,
  events: readonly WrittenEvent[],
): Promise<ReadonlySet<string>> {
  const writers = [...new Set(events.map(({ writer }) => writer))];
  const found = await withStoreErrors(outboxes.find({ _id: { $in: writers } }).toArray());
  const checkpoints = new Map(found.map((outbox) => [outbox._id, outbox]));
  const isUnsent = ({ id, writer }: WrittenEvent) => {
    // An outbox that is no longer listed has sent everything.
    const checkpoint = checkpoints.get(writer);
    return checkpoint !== undefined && (id > checkpoint.position || checkpoint.pending.includes(id));
  };
  return new Set(events.filter(isUnsent).map(({ id }) => id));
}
