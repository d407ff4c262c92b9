import type { Db } from "mongodb";

/** An event as it stands in the store; `data` is looked at, not trusted. */
export interface StoredEvent {
  readonly _id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly time: Date;
  // biome-ignore lint/suspicious/noExplicitAny: the checks know no contracts
  readonly data: any;
  readonly writer?: string;
  /** Id of the request, or of the event, that led to it. */
  readonly causationid?: string;
}

export interface StoredRecord {
  readonly task_id: string;
  readonly start_datetime: Date;
  readonly status: string;
  readonly version: number;
  readonly contradictions?: number;
  readonly skip?: { readonly reason: string; readonly count: number; readonly last_planned_datetime: Date };
  readonly attempts?: readonly {
    readonly executor: string;
    readonly started_datetime: Date;
    readonly ended_datetime?: Date;
    readonly outcome?: string;
  }[];
}

/** Everything that a round left behind. */
export interface Stored {
  readonly streams: ReadonlyMap<string, readonly StoredEvent[]>;
  readonly records: ReadonlyMap<string, StoredRecord>;
  readonly outboxes: readonly {
    readonly _id: string;
    readonly position: string;
    readonly pending: string[];
  }[];
  readonly deadLetters: readonly unknown[];
}

export async function readStored(db: Db): Promise<Stored> {
  const streams = new Map<string, StoredEvent[]>();
  for await (const event of db
    .collection<StoredEvent>("events")
    .find({}, { sort: { stream: 1, version: 1 } })) {
    const stream = streams.get(event.stream);
    if (stream) stream.push(event);
    else streams.set(event.stream, [event]);
  }
  const records = new Map<string, StoredRecord>();
  for await (const { _id, ...record } of db.collection("scheduler_task_record").find())
    records.set(_id.toHexString(), record as unknown as StoredRecord);
  return {
    streams,
    records,
    outboxes: (await db.collection("outboxes").find().toArray()) as never,
    deadLetters: await db.collection("dead_letters").find().toArray(),
  };
}
