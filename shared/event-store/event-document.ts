import type { DomainEnvelope } from "../contracts/catalogue.ts";
import type { StoredEvent } from "./event-store.ts";
import { upcast } from "./upcast.ts";

/** An event as stored in the collection `events`: the envelope, its position, and the process that wrote it. */
export interface EventDocument {
  readonly _id: string;
  readonly stream: string;
  readonly version: number;
  readonly type: string;
  readonly source: string;
  readonly time: Date;
  readonly dataschema: string;
  readonly data: unknown;
  readonly correlationid?: string;
  readonly causationid?: string;
  readonly traceparent?: string;
  readonly actor?: string;
  /** The outbox that publishes it; absent for events that the bus delivered. */
  readonly writer?: string;
}

export function toEventDocument(envelope: DomainEnvelope, version: number, writer?: string): EventDocument {
  const { specversion: _, id, subject, time, type, source, dataschema, data, ...cause } = envelope;
  return {
    _id: id,
    stream: subject,
    version,
    type,
    source,
    time: new Date(time),
    dataschema,
    data,
    ...cause,
    ...(writer === undefined ? {} : { writer }),
  };
}

/** The only way from a stored event to an event that code folds or publishes: it is upcast here. */
export function fromEventDocument(document: EventDocument): StoredEvent {
  const { _id, stream, time, writer: _, ...rest } = upcast(document);
  return {
    specversion: "1.0",
    id: _id,
    subject: stream,
    time: time.toISOString(),
    ...rest,
  } as StoredEvent;
}
