import { AppError, errorMessage, errorType, isRetryable } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { DeadLetter, Subscription } from "../bus.ts";
import type { DeliveryResult, Received } from "./in-flight-event.ts";
import { claimedId } from "./received-event.ts";

/** Some drivers put whole queries into their messages. */
const MESSAGE_LENGTH = 1000;
const ID_LENGTH = 200;

export function deadLetterOf(
  { group, pattern }: Subscription,
  received: Received,
  { error, deliveries }: { error: unknown; deliveries: number },
): DeadLetter {
  return {
    id: `${group}/${pattern}/${nameOf(received)}`,
    group,
    pattern,
    event: textOf(received.body),
    error: {
      type: errorType(error) ?? "HANDLER_FAILED",
      message: errorMessage(error).slice(0, MESSAGE_LENGTH),
    },
    deliveries,
    at: new Date().toISOString(),
  };
}

export interface LetterStore {
  /** A retryable error says that the store is away. */
  deadLetter(letter: DeadLetter): Promise<void>;
  /** Waits before the next try, given the number of tries so far; false when there shall be none. */
  wait(tries: number): Promise<boolean>;
  readonly logger: Log;
}

/** Times that a letter is refused by a store that is there, before its event is given up. */
const REFUSALS = 5;
const LOG_EVERY = 10;

/** Stores a letter, for as long as the store is away; one that it refuses for good is logged and dropped. */
export async function storeLetter(letter: DeadLetter, store: LetterStore): Promise<DeliveryResult> {
  const { logger } = store;
  const { id } = letter;
  logger.error({ id, reason: letter.error.message }, "an event goes to the dead letters");
  let refusals = 0;
  for (let tries = 1; ; tries++) {
    try {
      await store.deadLetter(letter);
      return "handled";
    } catch (cause) {
      const fields = { id, reason: errorMessage(cause) };
      if (!isRetryable(cause) && ++refusals === REFUSALS) {
        logger.error(fields, "an event is lost: the store rejects its dead letter");
        return "handled";
      }
      if (tries % LOG_EVERY === 1) logger.error(fields, "a dead letter is not stored yet");
    }
    if (!(await store.wait(tries))) return "requeued";
  }
}

/** Whatever a foreign program puts into an id: a letter's id has to fit a header of NATS. */
function nameOf({ body, position }: Received): string {
  return (
    claimedId(body)
      ?.replaceAll(/[^\x20-\x7e]/g, "?")
      .slice(0, ID_LENGTH) ?? position
  );
}

/** Text, since what a store cannot hold may be the very reason why the event failed. */
function textOf(body: unknown): string {
  if (typeof body === "string") return body;
  try {
    return JSON.stringify(body);
  } catch (error) {
    return `[the event cannot be written as JSON: ${errorMessage(error)}]`;
  }
}

/** An event that was handed out again and again without any failure being seen. */
export class NeverHandled extends AppError {
  constructor(count: number) {
    super(`handed out ${count} times and never settled: its handler ends the process, or stalls it`, {
      type: "NEVER_SETTLED",
    });
  }
}
