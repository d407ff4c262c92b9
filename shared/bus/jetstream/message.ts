import type { Msg } from "nats";
import type { DeliveryResult, Received } from "../delivery/in-flight-event.ts";
import type { RedeliveryWatch } from "./redelivery-watch.ts";

/** Header that marks an event which may have been sent before. */
export const RESENT_HEADER = "Kinit-Resent";

/** Where a message stands, read from the subject that settles it. */
export interface DeliveryInfo {
  readonly count: number;
  readonly sequence: number;
}

/** `$JS.ACK.<stream>.<consumer>.<count>.<sequence>…`, or with a domain and an account hash after `ACK`. */
export function deliveryInfoOf(reply: string): DeliveryInfo {
  const tokens = reply.split(".");
  const first = tokens.length === 9 ? 4 : 6;
  return { count: Number(tokens[first]), sequence: Number(tokens[first + 1]) };
}

/** The member that received a message. */
export interface MessageOwner {
  readonly redelivery: RedeliveryWatch;
  readonly finish: (message: InFlightMessage, result: DeliveryResult) => void;
}

/** A message that JetStream handed out and waits to have settled. */
export class InFlightMessage implements Received {
  readonly body: unknown;
  readonly count: number;
  readonly sequence: number;
  readonly resent: boolean;
  /** Subject that settles it; a later one replaces it when the message comes again. */
  reply: string;
  readonly #receivedAt = performance.now();
  readonly #owner: MessageOwner;

  constructor(message: Msg, reply: string, owner: MessageOwner) {
    const { count, sequence } = deliveryInfoOf(reply);
    this.count = count;
    this.sequence = sequence;
    this.reply = reply;
    this.body = parse(message.string());
    this.resent = message.headers?.has(RESENT_HEADER) ?? false;
    this.#owner = owner;
  }
  get lapsedAt(): number {
    return this.#owner.redelivery.lapsedAt(this.#receivedAt);
  }
  get position(): string {
    return String(this.sequence);
  }
  finish(result: DeliveryResult): void {
    this.#owner.finish(this, result);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
