import type { TriggerFault } from "../../../shared/contracts/trigger-faults.ts";
import { AppError } from "../../../shared/errors.ts";

/** The most that an error repeats of what the caller sent. */
const MAX_ECHO = 40;

/** A task definition that is not a trigger; `TRIGGER_INVALID`, `data` is a {@link TriggerFault}. */
export class InvalidTrigger extends AppError {
  constructor(fault: TriggerFault) {
    super(describe(fault), { type: "TRIGGER_INVALID", data: fault });
  }
}

/** For logs; clients get the text that the gateway has for the reason. */
function describe({ field, reason, expected, ...facts }: TriggerFault): string {
  const token = "token" in facts ? ` in "${facts.token}"` : "";
  const part = "part" in facts ? `, ${facts.part}` : "";
  const words = reason.toLowerCase().replaceAll("_", " ");
  return `Invalid ${field}: ${words}${token}${part}; expected ${expected}`;
}

/** A piece of user input, short enough to be repeated in an error. */
export function clip(text: string): string {
  return text.length <= MAX_ECHO ? text : `${text.slice(0, MAX_ECHO - 1)}…`;
}
