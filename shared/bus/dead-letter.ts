import { AppError, errorMessage, errorType } from "../errors.ts";
import type { DeadLetter, Subscription } from "./bus.ts";
import type { Received } from "./held-event.ts";
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
export class NeverSettled extends AppError {
  constructor(count: number) {
    super(`handed out ${count} times and never settled: its handler ends the process, or stalls it`, {
      type: "NEVER_SETTLED",
      code: 500,
    });
  }
}
