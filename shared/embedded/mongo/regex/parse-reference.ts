import type { PatternReader } from "./pattern-reader.ts";

/**
 * The group that an escape refers to, by number or name, after its backslash: `\1`, `\g{-1}`, `\k<name>`;
 * undefined for any other escape. A number from 10 on is octal if fewer groups precede it.
 */
export function readReference(reader: PatternReader, captures: number): number | string | undefined {
  const plain = readPlainNumber(reader, captures);
  if (plain !== undefined) return plain;
  const relative = reader.match(/g\{([-+]?)(\d+)\}|g([-+]?)(\d+)/y);
  if (relative !== undefined) {
    const sign = relative[1] ?? relative[3];
    const number = Number(relative[2] ?? relative[4]);
    return sign === "-" ? captures + 1 - number : sign === "+" ? captures + number : number;
  }
  const named = reader.match(/k<(\w+)>|k'(\w+)'|[kg]\{(\w+)\}/y);
  if (named !== undefined) return named[1] ?? named[2] ?? named[3];
  if (reader.next === "k") throw reader.invalid("\\k is not followed by a name");
  return undefined;
}

function readPlainNumber(reader: PatternReader, captures: number): number | undefined {
  const start = reader.at;
  const digits = reader.match(/[1-9]\d*/y)?.[0];
  if (digits === undefined) return undefined;
  const number = Number(digits);
  if (number < 10 || /^[89]/.test(digits) || number <= captures) return number;
  reader.at = start;
  return undefined;
}
