import type { Msg } from "nats";
import type { Outcome, Received } from "./held-event.ts";
import type { Claims } from "./jetstream-claims.ts";

/** Header that marks an event which may have been sent before. */
export const RESENT_HEADER = "Kinit-Resent";

/** Where a message stands, read from the subject that settles it. */
export interface MessagePlace {
  readonly count: number;
  readonly sequence: number;
}

/** `$JS.ACK.<stream>.<consumer>.<count>.<sequence>…`, or with a domain and an account hash after `ACK`. */
export function placeOf(reply: string): MessagePlace {
  const tokens = reply.split(".");
  const first = tokens.length === 9 ? 4 : 6;
  return { count: Number(tokens[first]), sequence: Number(tokens[first + 1]) };
}

/** The member that received a message. */
export interface MessageOwner {
  readonly claims: Claims;
  readonly settle: (message: HeldMessage, outcome: Outcome) => void;
}

/** A message that JetStream handed out and waits to have settled. */
export class HeldMessage implements Received {
  readonly body: unknown;
  readonly count: number;
  readonly sequence: number;
  readonly resent: boolean;
  /** Subject that settles it; a later one replaces it when the message comes again. */
  reply: string;
  readonly #receivedAt = performance.now();
  readonly #owner: MessageOwner;

  constructor(message: Msg, reply: string, owner: MessageOwner) {
    const { count, sequence } = placeOf(reply);
    this.count = count;
    this.sequence = sequence;
    this.reply = reply;
    this.body = parse(message.string());
    this.resent = message.headers?.has(RESENT_HEADER) ?? false;
    this.#owner = owner;
  }
  get lapsedAt(): number {
    return this.#owner.claims.lapsedAt(this.#receivedAt);
  }
  get position(): string {
    return String(this.sequence);
  }
  settle(outcome: Outcome): void {
    this.#owner.settle(this, outcome);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
