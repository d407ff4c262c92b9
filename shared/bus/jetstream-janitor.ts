import type { ConsumerInfo, StreamState } from "nats";
import { errorMessage } from "../errors.ts";
import type { BusLogger } from "./bus.ts";
import type { JetStreamConnection } from "./jetstream-connection.ts";
import { STREAM } from "./jetstream-stream.ts";

export interface JanitorOptions {
  readonly connection: JetStreamConnection;
  readonly logger: BusLogger;
  /** Size at which the stream refuses events. */
  readonly maxBytes: number;
  /** 5,000 unless told. */
  readonly everyMs?: number;
}

/** Keeps room in the stream; every process of the platform may run one, their work is the same. */
export interface Janitor {
  start(): void;
  stop(): void;
}

/** Above this share of its size the stream's history is shortened. */
const HIGH_WATER = 0.7;
const EVERY_MS = 5000;

/**
 * A stream that refuses when it is full would refuse for days once its history fills it. So that only events which
 * somebody still has to handle can fill it, the older half of what every group has handled is taken away in time.
 */
export function createJanitor({ connection, logger, maxBytes, everyMs = EVERY_MS }: JanitorOptions): Janitor {
  let timer: NodeJS.Timeout | undefined;

  async function tidy(): Promise<void> {
    if (!connection.isConnected) return;
    const { streams, consumers } = connection.manager;
    const { state } = await streams.info(STREAM);
    if (state.bytes < maxBytes * HIGH_WATER) return;
    const groups: ConsumerInfo[] = [];
    for await (const group of consumers.list(STREAM)) groups.push(group);
    const seq = firstToKeep(state, groups);
    if (seq === null) {
      logger.warn("the stream of events fills up and some group handles none of them");
      return;
    }
    const { purged } = await streams.purge(STREAM, { seq });
    logger.info(`${purged} events that every group has handled left the stream to make room`);
  }

  return {
    start() {
      timer = setInterval(() => {
        tidy().catch((error) => logger.warn(`the stream of events was not tidied: ${errorMessage(error)}`));
      }, everyMs);
    },
    stop: () => clearInterval(timer),
  };
}

interface Progress extends Pick<ConsumerInfo, "num_pending" | "num_ack_pending"> {
  readonly ack_floor: Pick<ConsumerInfo["ack_floor"], "stream_seq">;
}

/**
 * The sequence below which the stream may be emptied: half of what it holds, but nothing that a group has not
 * handled. Null where that is nothing. A group that has nothing left to handle holds back nothing, though its own
 * last event may be old.
 */
export function firstToKeep(
  { first_seq, last_seq }: Pick<StreamState, "first_seq" | "last_seq">,
  groups: readonly Progress[],
): number | null {
  let handled = last_seq;
  for (const { ack_floor, num_pending, num_ack_pending } of groups) {
    if (num_pending + num_ack_pending > 0) handled = Math.min(handled, ack_floor.stream_seq);
  }
  const half = first_seq + Math.floor((last_seq - first_seq + 1) / 2);
  const keep = Math.min(half, handled + 1);
  return keep > first_seq ? keep : null;
}
