import type { ConsumerInfo, JetStreamManager } from "nats";
import type { Sequences } from "./purge-point.ts";
import { apiErrorCode, apiErrors, durableOf, eventPatternOf, STREAM } from "./streams.ts";

/** How much of the stream one group has handled. */
export interface Progress {
  /** Name of the durable consumer. */
  readonly name: string;
  /** Up to this sequence, every event is handled or not for this group. */
  readonly handled: number;
  /** Events that are not handled. */
  readonly waiting: number;
}

/**
 * Returns the progress of each of the platform's groups, for a stream whose last sequence was `last` before the call.
 * Other programs' durable consumers are left out. An expected group that does not exist yet has handled nothing.
 */
export async function progressOfGroups(
  manager: JetStreamManager,
  { expected, last }: { readonly expected: readonly string[]; readonly last: number },
): Promise<readonly Progress[]> {
  const missing = new Set(expected);
  const found: ConsumerInfo[] = [];
  for await (const info of manager.consumers.list(STREAM)) {
    if (!isGroup(info)) continue;
    missing.delete(info.name);
    found.push(info);
  }
  const known = await Promise.all(found.map((info) => progressOf(manager, info, last)));
  return [...known, ...[...missing].map((name) => ({ name, handled: 0, waiting: last }))];
}

function isGroup({ name, config }: ConsumerInfo): boolean {
  const pattern = eventPatternOf(config.filter_subject ?? "");
  return pattern !== "" && name.endsWith(durableOf("", pattern));
}

/**
 * Returns the progress of one group, from its ack floor and the stored events. The server's pending count is not used
 * because it is known to drift, and the floor does not move while only events for other groups arrive.
 */
export async function progressOf(
  manager: JetStreamManager,
  info: ConsumerInfo,
  last: number,
): Promise<Progress> {
  const { name, config, num_pending, num_ack_pending } = info;
  const floor = info.ack_floor.stream_seq;
  const newest = floor < last ? await newestOf(manager, config.filter_subject as string) : 0;
  if (newest <= floor) return { name, handled: last, waiting: 0 };
  return { name, handled: floor, waiting: num_pending + num_ack_pending };
}

/** Returns the sequence of the newest event on a subject; 0 if there is none. */
export async function newestOf(manager: JetStreamManager, subject: string): Promise<number> {
  try {
    return (await manager.streams.getMessage(STREAM, { last_by_subj: subject })).seq;
  } catch (error) {
    if (apiErrorCode(error) === apiErrors.noMessageFound) return 0;
    throw error;
  }
}

/** Returns the first sequence that is not older than `time`, by bisection: the server has no such query. */
export async function firstSequenceSince(
  { streams }: JetStreamManager,
  time: number,
  { first_seq, last_seq }: Sequences,
): Promise<number> {
  const isOlder = (seq: number) =>
    streams.getMessage(STREAM, { seq }).then(
      (message) => message.time.getTime() < time,
      () => false,
    );
  let [low, high] = [first_seq, last_seq];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await isOlder(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
