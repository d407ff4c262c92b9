import { randomInt } from "node:crypto";

/** Letters and digits that people do not confuse when they copy them by hand. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";
const GROUPS = 4;
const GROUP_LENGTH = 5;

/** A password of 100 random bits in four groups, such as `k3mzq-…`. */
export function generatedPassword(): string {
  const group = () =>
    Array.from({ length: GROUP_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return Array.from({ length: GROUPS }, group).join("-");
}
