import { AppError, errorMessage, errorType } from "../errors.ts";
import type { DeadLetter, Subscription } from "./bus.ts";
import type { Received } from "./held-event.ts";
import { claimedId } from "./received-event.ts";

/** Some drivers put whole queries into their messages. */
const MESSAGE_LENGTH = 1000;

export function deadLetterOf(
  { group, pattern }: Subscription,
  received: Received,
  { error, deliveries }: { error: unknown; deliveries: number },
): DeadLetter {
  return {
    id: `${group}/${pattern}/${claimedId(received.body) ?? received.position}`,
    group,
    pattern,
    event: received.body,
    error: {
      type: errorType(error) ?? "HANDLER_FAILED",
      message: errorMessage(error).slice(0, MESSAGE_LENGTH),
    },
    deliveries,
    at: new Date().toISOString(),
  };
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
