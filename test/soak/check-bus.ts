import { connect, consumerOpts, type JetStreamManager } from "nats";
import { attemptsOf } from "./check-runs.ts";
import type { Stored } from "./stored.ts";

/** What JetStream holds after a round. */
export interface BusContents {
  /** When the stream took an event first, by event id (ms, the server's clock). */
  readonly acceptedAt: ReadonlyMap<string, number>;
  readonly deadLetters: number;
  /** Consumers that have not settled everything, in words. */
  readonly behind: readonly string[];
}

const QUIET_LIMIT_MS = 60_000;

/** Reads the whole stream, once all consumers have come to rest. */
export async function readBus(url: string): Promise<BusContents> {
  const nats = await connect({ servers: url });
  try {
    const manager = await nats.jetstreamManager();
    const behind = await restless(manager);
    const { state } = await manager.streams.info("KINIT");
    const acceptedAt = new Map<string, number>();
    const messages = await nats
      .jetstream()
      .subscribe("kinit.>", consumerOpts().orderedConsumer().bindStream("KINIT").deliverAll());
    for await (const message of messages) {
      const { id } = message.json<{ id: string }>();
      const at = message.info.timestampNanos / 1e6;
      if (!acceptedAt.has(id)) acceptedAt.set(id, at);
      if (message.seq >= state.last_seq) break;
    }
    const dead = await manager.streams.info("KINIT_DEAD");
    return { acceptedAt, behind, deadLetters: dead.state.messages };
  } finally {
    await nats.close();
  }
}

async function restless(manager: JetStreamManager): Promise<string[]> {
  for (const deadline = Date.now() + QUIET_LIMIT_MS; ; await new Promise((then) => setTimeout(then, 500))) {
    const consumers = await manager.consumers.list("KINIT").next();
    const behind = consumers
      .filter(({ num_pending, num_ack_pending }) => num_pending + num_ack_pending > 0)
      .map(
        ({ name, num_pending, num_ack_pending }) =>
          `${name}: ${num_pending} unread, ${num_ack_pending} unsettled`,
      );
    if (behind.length === 0 || Date.now() > deadline) return behind;
  }
}

/** Every event that the platform wrote to be sent is on the bus, and no run was begun anew after its outcome was. */
export function checkBus({ acceptedAt, deadLetters, behind }: BusContents, { streams }: Stored): string[] {
  const faults = behind.map((consumer) => `the bus is not at rest: ${consumer}`);
  if (deadLetters > 0) faults.push(`${deadLetters} events are in KINIT_DEAD`);
  for (const [stream, events] of streams) {
    for (const { _id, type, writer } of events)
      if (writer !== undefined && !acceptedAt.has(_id))
        faults.push(`${type} ${_id} of ${stream} never reached the bus`);
    if (!stream.startsWith("run-")) continue;
    for (const { executor, afterMs } of begunAgain(events, acceptedAt))
      faults.push(`${stream} was begun again by ${executor}, ${afterMs} ms after the bus had its outcome`);
  }
  return faults;
}

/** Attempts that began after the bus had the run's outcome. */
function begunAgain(
  events: Parameters<typeof attemptsOf>[0],
  acceptedAt: BusContents["acceptedAt"],
): { readonly executor: string; readonly afterMs: number }[] {
  const ends = events.filter(({ type }) => /^run\.(succeeded|failed|timed_out|cancelled)$/.test(type));
  if (ends.length === 0) return [];
  const firstAt = Math.min(...ends.map(({ _id }) => acceptedAt.get(_id) ?? Number.POSITIVE_INFINITY));
  return attemptsOf(events)
    .map(({ startedAt, executor }) => ({ executor, afterMs: Math.round(startedAt - firstAt) }))
    .filter(({ afterMs }) => afterMs > 0);
}
