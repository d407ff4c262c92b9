/** The part of a stored event that an upcaster may change. */
export interface EventShape {
  readonly type: string;
  /** `<type>/<version>`. */
  readonly dataschema: string;
  readonly data: unknown;
}

/** Returns the event as the next version of its contract would have stored it. Pure: no clock, no I/O. */
export type Upcaster = (event: EventShape) => EventShape;

/**
 * From `<type>/<version>` of an older contract to the next version. An entry is added with each new version of a
 * contract and never removed: events of that version may be in a store for ever.
 */
export const upcasters: Readonly<Record<string, Upcaster>> = {};

/** Turns a stored event into the shape of the current contracts, version by version. */
export function upcast<E extends EventShape>(
  event: E,
  known: Readonly<Record<string, Upcaster>> = upcasters,
): E {
  let current = event;
  for (let next = known[event.dataschema]; next; next = known[current.dataschema]) {
    const { type, dataschema, data } = next(current);
    if (dataschema === current.dataschema)
      throw new Error(`the upcaster of ${dataschema} does not change the version`);
    current = { ...current, type, dataschema, data };
  }
  return current;
}
