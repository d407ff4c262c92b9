import { catalogue, type DomainEnvelope, type DomainEvent } from "./contracts/catalogue.ts";
import type { Causation } from "./contracts/event.ts";
import { eventId } from "./ids.ts";

interface Sealing {
  /** The stream of the event. */
  readonly subject: string;
  /** Milliseconds; also the time part of the id. */
  readonly now: number;
  readonly cause?: Causation | undefined;
}

const schemas = new Map(
  Object.entries(catalogue.contracts).map(([type, { version, source }]) => [
    type,
    { dataschema: `${type}/${version}`, source },
  ]),
);

/**
 * Puts an event into its CloudEvents envelope.
 *
 * @throws ContractViolation where its data breaks the contract
 */
export function seal<E extends DomainEvent>(
  event: E,
  { subject, now, cause }: Sealing,
): DomainEnvelope<E["type"]> {
  catalogue.check(event);
  const { dataschema, source } = schemas.get(event.type) as { dataschema: string; source: string };
  return {
    specversion: "1.0",
    id: eventId(now),
    type: event.type,
    source,
    subject,
    time: new Date(now).toISOString(),
    dataschema,
    ...cause,
    data: event.data,
  } as DomainEnvelope<E["type"]>;
}

/** The cause that an event is to the events that follow from it. */
export function causedBy(cause: DomainEnvelope): Causation {
  return {
    correlationid: cause.correlationid ?? cause.id,
    causationid: cause.id,
    ...(cause.traceparent === undefined ? {} : { traceparent: cause.traceparent }),
    ...(cause.actor === undefined ? {} : { actor: cause.actor }),
  };
}
