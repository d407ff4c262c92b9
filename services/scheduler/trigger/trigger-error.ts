import type { TriggerFault } from "../../../shared/contracts/trigger-faults.ts";
import { AppError } from "../../../shared/errors.ts";

/** Maximum length of user input in an error. */
const MAX_ECHO = 40;

/** A definition without a valid trigger: `TRIGGER_INVALID`; `data` is a {@link TriggerFault}. */
export class InvalidTrigger extends AppError {
  constructor(fault: TriggerFault) {
    super(describe(fault), { type: "TRIGGER_INVALID", data: fault });
  }
}

/** For logs. Clients receive the text that the gateway has for the reason. */
function describe({ field, reason, expected, ...facts }: TriggerFault): string {
  const token = "token" in facts ? ` in "${facts.token}"` : "";
  const part = "part" in facts ? `, ${facts.part}` : "";
  const words = reason.toLowerCase().replaceAll("_", " ");
  return `Invalid ${field}: ${words}${token}${part}; expected ${expected}`;
}

/** A piece of user input, cut to the maximum length in an error. */
export function clip(text: string): string {
  return text.length <= MAX_ECHO ? text : `${text.slice(0, MAX_ECHO - 1)}…`;
}
