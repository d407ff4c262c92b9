import { DeliverPolicy } from "nats";
import { BusUnavailable } from "../bus.ts";
import type { JetStreamConnection } from "./connection.ts";
import { newestOf } from "./progress.ts";
import { apiErrorCode, apiErrors, durableOf, STREAM, subjectOf } from "./streams.ts";

/** For a group that is further behind, all given events count as unhandled: reading more headers takes seconds. */
const MAX_READ = 200_000;
const FETCH = 5000;
const FETCH_LIMIT_MS = 5000;

/**
 * Returns those of the given events that the stream stores above a group's ack floor, by reading the headers of the
 * events there. This includes events that are acknowledged while an older one is not.
 * @throws `BUS_UNAVAILABLE`
 */
export async function unhandledOf(
  connection: JetStreamConnection,
  { group, pattern }: { readonly group: string; readonly pattern: string },
  eventIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const wanted = new Set(eventIds);
  const subject = subjectOf(pattern);
  // Read before the floor: newer events were accepted after the call.
  const newest = await newestOf(connection.manager, subject);
  const floor = await ackFloorOf(connection, durableOf(group, pattern));
  const found = new Set<string>();
  let read = 0;
  for await (const { id } of headersAfter(connection, { subject, floor, newest })) {
    if (wanted.has(id)) found.add(id);
    if (found.size === wanted.size) break;
    if (++read >= MAX_READ) return wanted;
  }
  return found;
}

async function ackFloorOf({ manager }: JetStreamConnection, durable: string): Promise<number> {
  try {
    return (await manager.consumers.info(STREAM, durable)).ack_floor.stream_seq;
  } catch (error) {
    if (apiErrorCode(error) === apiErrors.consumerNotFound) return 0;
    throw error;
  }
}

async function* headersAfter(
  { nats }: JetStreamConnection,
  { subject, floor, newest }: { readonly subject: string; readonly floor: number; readonly newest: number },
): AsyncGenerator<{ id: string }> {
  if (newest <= floor) return;
  const consumer = await nats.jetstream().consumers.get(STREAM, {
    filterSubjects: subject,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: floor + 1,
    headers_only: true,
    inactive_threshold: FETCH_LIMIT_MS * 2,
  });
  try {
    for (;;) {
      let received = 0;
      for await (const message of await consumer.fetch({ max_messages: FETCH, expires: FETCH_LIMIT_MS })) {
        received += 1;
        yield { id: message.headers?.get("Nats-Msg-Id") ?? "" };
        // Nothing pending: the newest event was purged meanwhile, so it is handled.
        if (message.seq >= newest || message.info.pending === 0) return;
      }
      if (received === 0)
        throw new BusUnavailable(`the stream ${STREAM} does not deliver the headers of its events`);
    }
  } finally {
    await consumer.delete().catch(() => false);
  }
}
