import {
  catalogue,
  type DomainEnvelope,
  type EventPattern,
  matchesPattern,
} from "../../contracts/catalogue.ts";
import { AppError } from "../../errors.ts";

/** The received value is not an event envelope, or not one for this channel. */
export class NotAnEvent extends AppError {
  constructor(problem: string) {
    super(problem, { type: "EVENT_INVALID" });
  }
}

const attributes = ["id", "type", "source", "subject", "time"] as const;

/**
 * Checks that a value is an event that satisfies its contract.
 * @throws `EVENT_INVALID`, `CONTRACT_VIOLATION`
 */
export function checkEvent(value: unknown): asserts value is DomainEnvelope {
  checkEnvelope(value);
  catalogue.check(value);
}

/**
 * Checks that a value received from another process is an event of a channel.
 * @throws `EVENT_INVALID`, `CONTRACT_VIOLATION`
 */
export function checkReceived(value: unknown, pattern: EventPattern): asserts value is DomainEnvelope {
  checkEnvelope(value);
  if (!matchesPattern(pattern, value.type))
    throw new NotAnEvent(`type must match ${pattern}, the channel it was sent to`);
  catalogue.check(value);
}

function checkEnvelope(value: unknown): asserts value is DomainEnvelope {
  if (typeof value !== "object" || value === null)
    throw new NotAnEvent("the body must be a CloudEvents envelope in JSON");
  const envelope = value as Partial<DomainEnvelope>;
  if (envelope.specversion !== "1.0") throw new NotAnEvent('specversion must be "1.0"');
  for (const attribute of attributes)
    if (typeof envelope[attribute] !== "string" || envelope[attribute] === "")
      throw new NotAnEvent(`${attribute} must be a non-empty string`);
}

/** Returns the id of a received value, valid or not. */
export function claimedId(value: unknown): string | undefined {
  const id = (value as { id?: unknown } | null | undefined)?.id;
  return typeof id === "string" && id !== "" ? id : undefined;
}
