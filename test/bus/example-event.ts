import { catalogue, type DomainEnvelope, type EventType } from "../../shared/contracts/catalogue.ts";
import type { Causation } from "../../shared/contracts/event.ts";
import { eventId, objectId } from "../../shared/ids.ts";

/** Returns a valid event of a type with a new id, from its contract's example. */
export function exampleEvent<T extends EventType>(
  type: T,
  attributes: Causation & { id?: string; subject?: string } = {},
): DomainEnvelope<T> {
  const { source, stream, version, example } = catalogue.contracts[type];
  return {
    specversion: "1.0",
    id: eventId(),
    source,
    type,
    subject: `${stream}-${objectId()}`,
    time: new Date().toISOString(),
    dataschema: `${type}/${version}`,
    data: example,
    ...attributes,
  } as unknown as DomainEnvelope<T>;
}
