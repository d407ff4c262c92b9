import type { Clock } from "../clock.ts";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { seal } from "../envelope.ts";
import { type Append, OutboxFull, type Transaction } from "./event-store.ts";
import type { Outbox } from "./outbox.ts";

export interface CollectingOptions {
  readonly clock: Clock;
  readonly outbox: Pick<Outbox, "hasRoom">;
  /** The outbox that publishes the appended events. */
  readonly writer: string;
}

/** A transaction that collects its events, so that one insert at the end stores all of them. */
export abstract class CollectingTransaction implements Transaction {
  /** The appended events, to be published after the commit. */
  readonly appended: DomainEnvelope[] = [];
  readonly #options: CollectingOptions;

  constructor(options: CollectingOptions) {
    this.#options = options;
  }

  append({ stream, expectedVersion, events, cause }: Append): readonly DomainEnvelope[] {
    const { outbox, clock, writer } = this.#options;
    if (!outbox.hasRoom()) throw new OutboxFull();
    const now = clock.now();
    const sealed = events.map((event) => seal(event, { subject: stream, now, cause }));
    for (const [index, envelope] of sealed.entries()) {
      this.collect(envelope, expectedVersion + 1 + index, writer);
      this.appended.push(envelope);
    }
    return sealed;
  }

  keep(_stream: string, expectedVersion: number, events: readonly DomainEnvelope[]): void {
    for (const [index, envelope] of events.entries()) this.collect(envelope, expectedVersion + 1 + index);
  }

  abstract stored(ids: readonly string[]): Promise<ReadonlySet<string>>;

  /** Adds an event to those that the end of the transaction inserts. No `writer`: the bus has delivered the event. */
  protected abstract collect(envelope: DomainEnvelope, version: number, writer?: string): void;
}
