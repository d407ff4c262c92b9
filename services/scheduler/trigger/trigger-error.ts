import { AppError } from "../../../shared/errors.ts";

/** The most that a message repeats of what the caller sent. */
const LONGEST_ECHO = 40;

/** Where the fault lies and what would be right, for programs. */
export interface TriggerFault {
  /** The field of the task as the API calls it: `expression`, `timezone`, `end_datetime`, … */
  readonly field: string;
  /** The part of the expression, e.g. `hour`. */
  readonly part?: string;
  /** The offending piece, cut to 40 characters. */
  readonly token?: string;
  readonly expected?: string;
}

/** A task definition that makes no trigger; `TRIGGER_INVALID`, 400, `data` is a {@link TriggerFault}. */
export class InvalidTrigger extends AppError {
  constructor(message: string, fault: TriggerFault) {
    super(message, { type: "TRIGGER_INVALID", data: fault });
  }
}

/** A piece of user input, short enough to be repeated in a message. */
export function clip(text: string): string {
  return text.length <= LONGEST_ECHO ? text : `${text.slice(0, LONGEST_ECHO - 1)}…`;
}
