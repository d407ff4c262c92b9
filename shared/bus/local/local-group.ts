import type { DomainEnvelope } from "../../contracts/catalogue.ts";
import { Fifo } from "../../fifo.ts";
import { type Backlog, BusUnavailable, type Subscription } from "../bus.ts";
import { checkEvent } from "../delivery/check-event.ts";
import type { DeliveryResult, Received } from "../delivery/in-flight-event.ts";
import type { Worker } from "../delivery/worker.ts";

/** One `send`: its promise resolves when every group has handled the event. */
export class LocalSend {
  readonly promise: Promise<void>;
  readonly body: DomainEnvelope;
  readonly resent: boolean;
  readonly sequence: number;
  #pendingGroups: number;
  #violation: unknown;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(sent: { body: DomainEnvelope; resent: boolean; sequence: number; groups: number }) {
    this.body = sent.body;
    this.resent = sent.resent;
    this.sequence = sent.sequence;
    this.#pendingGroups = sent.groups;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Once for all groups: within a process nothing changes the event on its way to them.
    try {
      checkEvent(sent.body);
    } catch (error) {
      this.#violation = error;
    }
  }
  checked(): DomainEnvelope {
    if (this.#violation !== undefined) throw this.#violation;
    return this.body;
  }
  handled(): void {
    this.#pendingGroups -= 1;
    if (this.#pendingGroups === 0) this.#resolve();
  }
  fail(error: unknown): void {
    this.#reject(error);
  }
}

/** One event in the queue of one group. */
export class LocalEvent implements Received {
  readonly #send: LocalSend;
  readonly #group: LocalGroup;
  count = 1;

  constructor(group: LocalGroup, send: LocalSend) {
    this.#group = group;
    this.#send = send;
  }
  get body(): DomainEnvelope {
    return this.#send.body;
  }
  get resent(): boolean {
    return this.#send.resent;
  }
  get sequence(): number {
    return this.#send.sequence;
  }
  /** Within one process no other member can have received it. */
  get lapsedAt(): number {
    return Number.NEGATIVE_INFINITY;
  }
  get position(): string {
    return String(this.sequence);
  }
  event(): DomainEnvelope {
    return this.#send.checked();
  }
  finish(result: DeliveryResult): void {
    if (result === "requeued") {
      this.count += 1;
      this.#group.requeue(this);
      return;
    }
    this.#group.end(this);
    this.#send.handled();
  }
  fail(error: unknown): void {
    this.#group.end(this);
    this.#send.fail(error);
  }
}

/** The queue of one group and pattern, shared by its members in turn. Like a durable consumer, it outlives them. */
export class LocalGroup {
  readonly name: string;
  readonly pattern: Subscription["pattern"];
  /** Events that are queued or in flight, the oldest first. */
  readonly #unhandled = new Set<LocalEvent>();
  readonly #queue = new Fifo<LocalEvent>();
  #members: Worker[] = [];

  constructor(name: string, pattern: Subscription["pattern"]) {
    this.name = name;
    this.pattern = pattern;
  }

  /** Number of events that are queued or in flight. */
  get size(): number {
    return this.#unhandled.size;
  }

  backlog(now: number): Backlog {
    const waiting = this.#queue.size;
    const [oldest] = this.#unhandled;
    const oldestMs = oldest ? Math.max(0, now - Date.parse(oldest.body.time)) : 0;
    return { group: this.name, pattern: this.pattern, waiting, inFlight: this.size - waiting, oldestMs };
  }

  join(member: Worker): void {
    this.#members.push(member);
    this.distribute();
  }

  leave(member: Worker): void {
    this.#members = this.#members.filter((other) => other !== member);
  }

  add(event: LocalEvent): void {
    this.#unhandled.add(event);
    this.#queue.push(event);
    this.distribute();
  }

  /** The event has left the group. */
  end(event: LocalEvent): void {
    this.#unhandled.delete(event);
  }

  /** Returns an event to its former position, before all that were sent after it. */
  requeue(event: LocalEvent): void {
    this.#queue.insert(event, ({ sequence }) => sequence > event.sequence);
    // Not at once: a member that requeues everything it receives must not block the event loop.
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

  /** Rejects the events that no member has received: their senders still have them. */
  close(): void {
    for (const event of this.#queue.drain())
      event.fail(new BusUnavailable("the bus was stopped before the event was handled"));
  }
}
