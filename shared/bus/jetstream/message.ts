import type { Msg } from "nats";
import type { DomainEnvelope, EventPattern } from "../../contracts/catalogue.ts";
import { checkReceived } from "../delivery/check-event.ts";
import type { DeliveryResult, Received } from "../delivery/in-flight-event.ts";
import type { RedeliveryWatch } from "./redelivery-watch.ts";

/** Header of an event that may have been sent before. */
export const RESENT_HEADER = "Kinit-Resent";

/** What the subject for a message's acknowledgement says about its delivery. */
export interface DeliveryInfo {
  readonly count: number;
  readonly sequence: number;
}

/** Parses `$JS.ACK.<stream>.<consumer>.<count>.<sequence>…`, or with a domain and an account hash after `ACK`. */
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

/** A message that JetStream delivered and that is not acknowledged. */
export class InFlightMessage implements Received {
  readonly body: unknown;
  readonly count: number;
  readonly sequence: number;
  readonly resent: boolean;
  /** Subject of its acknowledgement; replaced when the message is redelivered. */
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
  event(pattern: EventPattern): DomainEnvelope {
    const { body } = this;
    checkReceived(body, pattern);
    return body;
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
