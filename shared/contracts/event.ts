import {
  type Checked,
  ContractViolation,
  compileCheck,
  type DataOf,
  deepFrozen,
  type Fields,
} from "./contract.ts";

/** One event as declared: its schema, the service that publishes it, its stream, and an example that validates. */
export interface EventContract<F extends Fields = Fields> {
  /** Incremented by a change that is not a new optional field; the old version then gets an upcaster. */
  readonly version: number;
  readonly source: string;
  /** First part of the stream's name: `task` for `task-<id>`. */
  readonly stream: string;
  readonly summary: string;
  readonly data: F;
  readonly example: DataOf<F>;
}
export type EventContracts = Readonly<Record<string, EventContract>>;

/** An event of a family: what deciders return and projections fold. */
export type EventOf<C extends EventContracts> = {
  [T in keyof C & string]: { readonly type: T; readonly data: DataOf<C[T]["data"]> };
}[keyof C & string];

/** What caused an event. */
export interface Causation {
  /** The same for everything that one request or one occurrence caused. */
  readonly correlationid?: string;
  /** Id of the event or request that led to this event directly. */
  readonly causationid?: string;
  /** W3C Trace Context. */
  readonly traceparent?: string;
  /** User or service on whose behalf it happened. */
  readonly actor?: string;
}

/** The CloudEvents 1.0 envelope, as stored and as sent: plain JSON, instants as ISO-8601 UTC strings. */
export type Envelope<E extends { type: string; data: unknown } = { type: string; data: unknown }> = E &
  Causation & {
    readonly specversion: "1.0";
    /** UUIDv7: unique, and ascending for one writer. */
    readonly id: string;
    /** The service that published it. */
    readonly source: string;
    /** The stream, e.g. `task-65f0…`. */
    readonly subject: string;
    readonly time: string;
    /** `<type>/<version>`. */
    readonly dataschema: string;
  };

/** Declares one event; the schema drives the runtime check, the static type and the catalogue. */
export function event<const F extends Fields>(
  contract: EventContract<F> & { readonly data: Checked<NoInfer<F>> },
): EventContract<F> {
  return deepFrozen(contract);
}

/** A family of events that shares a stream or a purpose. */
export interface EventFamily<C extends EventContracts> {
  readonly contracts: C;
  /** Throws `ContractViolation` unless the event is known and its data satisfies the schema. */
  check(event: { readonly type: string; readonly data: unknown }): void;
}

export function eventFamily<const C extends EventContracts>(contracts: C): EventFamily<C> {
  const checks = new Map(
    Object.entries(contracts).map(([type, { data }]) => [type, compileCheck(type, data)]),
  );
  return {
    contracts,
    check(event) {
      const check = checks.get(event.type);
      if (!check) throw new ContractViolation(event.type, []);
      check(event.data);
    },
  };
}
