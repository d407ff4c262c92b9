import { AppError, errorMessage, errorType, isRetryable } from "../../errors.ts";
import type { Log } from "../../log.ts";
import type { DeadLetter, Subscription } from "../bus.ts";
import { claimedId } from "./check-event.ts";
import type { DeliveryResult, Received } from "./in-flight-event.ts";

/** Some drivers put whole queries into their messages. */
const MESSAGE_LENGTH = 1000;
const ID_LENGTH = 200;

/** Why a delivery failed for good. */
export interface DeliveryFailure {
  readonly error: unknown;
  readonly deliveries: number;
}

export function deadLetterOf(
  { group, pattern }: Pick<Subscription, "group" | "pattern">,
  received: Pick<Received, "body" | "position">,
  { error, deliveries }: DeliveryFailure,
): DeadLetter {
  return {
    id: `${group}/${pattern}/${idOf(received)}`,
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

/** Other programs may send any id; a letter's id must fit a NATS header. */
function idOf({ body, position }: Pick<Received, "body" | "position">): string {
  return (
    claimedId(body)
      ?.replaceAll(/[^\x20-\x7e]/g, "?")
      .slice(0, ID_LENGTH) ?? position
  );
}

/** Text, because a value that a store cannot hold may be the reason why the event failed. */
function textOf(body: unknown): string {
  if (typeof body === "string") return body;
  try {
    return JSON.stringify(body);
  } catch (error) {
    return `[the event cannot be written as JSON: ${errorMessage(error)}]`;
  }
}

export interface LetterStore {
  /** A retryable error means that the store is unavailable. */
  deadLetter(letter: DeadLetter): Promise<void>;
  /** Waits before the next attempt, given the number of attempts so far; returns false if there must be none. */
  waitToRetry(attempts: number): Promise<boolean>;
  readonly logger: Log;
}

/** Rejections by a store that is available, after which a letter is dropped. */
const MAX_REJECTIONS = 5;
const LOG_EVERY = 10;

/** Stores a letter, retrying while the store is unavailable. A letter that the store rejects is logged and dropped. */
export async function storeLetter(letter: DeadLetter, store: LetterStore): Promise<DeliveryResult> {
  const { logger } = store;
  const { id } = letter;
  logger.error({ id, reason: letter.error.message }, "an event goes to the dead letters");
  let rejections = 0;
  for (let attempts = 1; ; attempts++) {
    try {
      await store.deadLetter(letter);
      return "handled";
    } catch (cause) {
      const fields = { id, reason: errorMessage(cause) };
      if (!isRetryable(cause) && ++rejections === MAX_REJECTIONS) {
        logger.error(fields, "an event is lost: the store rejects its dead letter");
        return "handled";
      }
      if (attempts % LOG_EVERY === 1) logger.error(fields, "a dead letter is not stored yet");
    }
    if (!(await store.waitToRetry(attempts))) return "requeued";
  }
}

/** An event that was delivered many times without a reported failure. Its type is stored in dead letters. */
export class NeverFinished extends AppError {
  constructor(count: number) {
    super(`delivered ${count} times and never finished: its handler ends or blocks the process`, {
      type: "NEVER_SETTLED",
    });
  }
}
