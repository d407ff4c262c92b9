import type { JetStreamManager, MsgRequest } from "nats";
import type { EventPattern } from "../../contracts/catalogue.ts";
import type { Backlog } from "../bus.ts";
import { apiErrorCode, apiErrors, durableOf, STREAM, subjectOf } from "./streams.ts";

export interface Group {
  readonly group: string;
  readonly pattern: EventPattern;
}

/** What each group has not handled. For a group without a consumer, all its events in the stream wait. */
export function backlogsOf(manager: JetStreamManager, groups: readonly Group[]): Promise<readonly Backlog[]> {
  return Promise.all(groups.map((each) => backlogOf(manager, each)));
}

async function backlogOf(manager: JetStreamManager, { group, pattern }: Group): Promise<Backlog> {
  const { floor, waiting, inFlight } = await positionOf(manager, { group, pattern });
  const isEmpty = waiting + inFlight === 0;
  const oldestAt = isEmpty ? undefined : await timeAfter(manager, floor, subjectOf(pattern));
  const oldestMs = oldestAt === undefined ? 0 : Math.max(0, Date.now() - oldestAt);
  return { group, pattern, waiting, inFlight, oldestMs };
}

async function positionOf(manager: JetStreamManager, { group, pattern }: Group) {
  try {
    const info = await manager.consumers.info(STREAM, durableOf(group, pattern));
    const { num_pending: waiting, num_ack_pending: inFlight } = info;
    return { floor: info.ack_floor.stream_seq, waiting, inFlight };
  } catch (error) {
    if (apiErrorCode(error) !== apiErrors.consumerNotFound) throw error;
    const { state } = await manager.streams.info(STREAM, { subjects_filter: subjectOf(pattern) });
    const waiting = Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0);
    return { floor: 0, waiting, inFlight: 0 };
  }
}

/** When the first event above a sequence was stored, in ms since the epoch; undefined if there is none. */
async function timeAfter(
  manager: JetStreamManager,
  sequence: number,
  subject: string,
): Promise<number | undefined> {
  // The server takes both; the client's type has this request for direct reads only.
  const next = { seq: sequence + 1, next_by_subj: subject } as MsgRequest;
  try {
    return (await manager.streams.getMessage(STREAM, next)).time.getTime();
  } catch (error) {
    if (apiErrorCode(error) === apiErrors.noMessageFound) return undefined;
    throw error;
  }
}
