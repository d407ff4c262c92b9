import {
  catalogue,
  type DomainEnvelope,
  type EventPattern,
  matchesPattern,
} from "../../contracts/catalogue.ts";
import { AppError } from "../../errors.ts";

/** What was received is not an event envelope at all, or not one for this channel. */
export class NotAnEvent extends AppError {
  constructor(problem: string) {
    super(problem, { type: "EVENT_INVALID" });
  }
}

const attributes = ["id", "type", "source", "subject", "time"] as const;

/** Throws `NotAnEvent` or `ContractViolation` unless a received value is an event that the pattern matches. */
export function checkReceived(value: unknown, pattern: EventPattern): asserts value is DomainEnvelope {
  if (typeof value !== "object" || value === null)
    throw new NotAnEvent("the body must be a CloudEvents envelope in JSON");
  const envelope = value as Partial<DomainEnvelope>;
  if (envelope.specversion !== "1.0") throw new NotAnEvent('specversion must be "1.0"');
  for (const attribute of attributes)
    if (typeof envelope[attribute] !== "string" || envelope[attribute] === "")
      throw new NotAnEvent(`${attribute} must be a text that is not empty`);
  if (!matchesPattern(pattern, envelope.type as string))
    throw new NotAnEvent(`type must match ${pattern}, the channel it was sent to`);
  catalogue.check(envelope as DomainEnvelope);
}

/** The id that a received value claims, valid or not. */
export function claimedId(value: unknown): string | undefined {
  const id = (value as { id?: unknown } | null | undefined)?.id;
  return typeof id === "string" && id !== "" ? id : undefined;
}
