import { AppError } from "../../../shared/errors.ts";

/** Why a password is not accepted. */
export type PasswordFault = "TOO_SHORT" | "TOO_LONG" | "TOO_SIMPLE" | "COMMON" | "CONTAINS_LOGIN";

export const PASSWORD_MIN = 12;
/** Bounds the work of hashing. */
export const PASSWORD_MAX = 256;
const MIN_DISTINCT = 6;

/** Words that most guessed passwords are made of; digits and signs around them do not help. */
const COMMON =
  /^[\W\d_]*(pass(word)?|p@ssw0rd|qwert[yz]?(uiop)?|asdf(ghjkl)?|admin(istrator)?|welcome|letmein|iloveyou|changeme|secret|login|kinit|root|user|test|abc(def)?)+[\W\d_]*$/i;
const RUN = /^(?:0123456789|1234567890|abcdefghij|qwertyuiop)/i;

/**
 * What is wrong with a new password; undefined for an accepted one. Length counts, not kinds of characters: rules about
 * those lead to passwords that are easier to guess.
 */
export function passwordFault(password: string, login: string): PasswordFault | undefined {
  const length = [...password].length;
  if (length < PASSWORD_MIN) return "TOO_SHORT";
  if (password.length > PASSWORD_MAX) return "TOO_LONG";
  if (new Set(password.toLowerCase()).size < MIN_DISTINCT) return "TOO_SIMPLE";
  if (COMMON.test(password) || RUN.test(password)) return "COMMON";
  if (login.length >= 3 && password.toLowerCase().includes(login.toLowerCase())) return "CONTAINS_LOGIN";
  return undefined;
}

export class WeakPassword extends AppError {
  constructor(reason: PasswordFault) {
    super(`The new password is not accepted: ${reason}`, { type: "PASSWORD_WEAK", data: { reason } });
  }
}
