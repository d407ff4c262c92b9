import type { ConsumerInfo, JetStreamManager } from "nats";
import { apiErrorCode, apiErrors, durableOf, eventPatternOf, STREAM } from "./streams.ts";

/** How far one group has come. */
export interface Progress {
  /** The durable's name. */
  readonly name: string;
  /** Everything up to this sequence is handled, or not meant for the group. */
  readonly handled: number;
  /** Events not handled yet. */
  readonly waiting: number;
}

/**
 * How far each of our groups has come, for a stream whose last sequence was `last` before this was asked. A durable of
 * somebody else does not count. An expected group that is not there yet has handled nothing.
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
 * How far one group has come. Counts on the ack floor, and on what the stream stores: the server's count of what is
 * pending is known to drift, and its floor stands still while other events pass that are not for the group.
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

/** The sequence of the newest event on a subject; 0 where there is none. */
export async function newestOf(manager: JetStreamManager, subject: string): Promise<number> {
  try {
    return (await manager.streams.getMessage(STREAM, { last_by_subj: subject })).seq;
  } catch (error) {
    if (apiErrorCode(error) === apiErrors.noMessageFound) return 0;
    throw error;
  }
}
