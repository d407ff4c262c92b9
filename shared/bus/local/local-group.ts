import { Fifo } from "../../fifo.ts";
import { BusUnavailable, type Subscription } from "../bus.ts";
import type { DeliveryResult, Received } from "../delivery/in-flight-event.ts";
import type { Worker } from "../delivery/worker.ts";

/** One `send`, waiting until every group is done with its event. */
export class LocalSend {
  readonly promise: Promise<void>;
  #open: number;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(groups: number) {
    this.#open = groups;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }
  done(): void {
    this.#open -= 1;
    if (this.#open === 0) this.#resolve();
  }
  fail(error: unknown): void {
    this.#reject(error);
  }
}

/** One event in the queue of one group. */
export class LocalEvent implements Received {
  readonly body: unknown;
  readonly resent: boolean;
  readonly sequence: number;
  readonly #send: LocalSend;
  readonly #group: LocalGroup;
  count = 1;

  constructor(
    group: LocalGroup,
    send: LocalSend,
    sent: { body: unknown; resent: boolean; sequence: number },
  ) {
    this.#group = group;
    this.#send = send;
    this.body = sent.body;
    this.resent = sent.resent;
    this.sequence = sent.sequence;
  }
  /** Within one process no other member can have it. */
  get lapsedAt(): number {
    return Number.NEGATIVE_INFINITY;
  }
  get position(): string {
    return String(this.sequence);
  }
  finish(result: DeliveryResult): void {
    if (result === "requeued") {
      this.count += 1;
      this.#group.takeBack(this);
      return;
    }
    this.#group.size -= 1;
    this.#send.done();
  }
  fail(error: unknown): void {
    this.#group.size -= 1;
    this.#send.fail(error);
  }
}

/** The queue of one group and pattern, shared by its members in turn. It outlives them, as a durable consumer does. */
export class LocalGroup {
  readonly pattern: Subscription["pattern"];
  /** Events that are queued or in a member's hands. */
  size = 0;
  readonly #queue = new Fifo<LocalEvent>();
  #members: Worker[] = [];

  constructor(pattern: Subscription["pattern"]) {
    this.pattern = pattern;
  }

  join(member: Worker): void {
    this.#members.push(member);
    this.distribute();
  }

  leave(member: Worker): void {
    this.#members = this.#members.filter((other) => other !== member);
  }

  add(event: LocalEvent): void {
    this.size += 1;
    this.#queue.push(event);
    this.distribute();
  }

  /** Puts an event back in its old place, before all that were sent after it. */
  takeBack(event: LocalEvent): void {
    this.#queue.insert(event, ({ sequence }) => sequence > event.sequence);
    // Not at once: a member that hands back whatever it gets must not hold up the event loop.
    setImmediate(() => this.distribute());
  }

  distribute(): void {
    while (this.#queue.size > 0) {
      const index = this.#members.findIndex(({ room }) => room > 0);
      if (index === -1) return;
      const [member] = this.#members.splice(index, 1) as [Worker];
      this.#members.push(member);
      member.accept(this.#queue.shift() as LocalEvent);
    }
  }

  /** Refuses what no member has taken: its sender still holds it. */
  close(): void {
    for (const event of this.#queue.drain())
      event.fail(new BusUnavailable("the bus was stopped before the event was handled"));
  }
}
