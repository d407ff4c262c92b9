import type { PatternReader } from "./pattern-reader.ts";
import type { Repeat } from "./syntax.ts";

const MAX_REPETITIONS = 65_535;

/** Reads `*`, `+`, `?`, `{2}`, `{2,}` or `{2,3}`; undefined for anything else, such as a brace that is a plain character. */
export function readQuantifier(reader: PatternReader): Pick<Repeat, "min" | "max"> | undefined {
  if (reader.skip("*")) return { min: 0, max: Number.POSITIVE_INFINITY };
  if (reader.skip("+")) return { min: 1, max: Number.POSITIVE_INFINITY };
  if (reader.skip("?")) return { min: 0, max: 1 };
  const counted = reader.match(/\{(\d+)(?:(,)(\d*))?\}/y);
  if (counted === undefined) return undefined;
  const [, least, comma, most] = counted;
  const min = Number(least);
  const max = comma === undefined ? min : most === "" ? Number.POSITIVE_INFINITY : Number(most);
  if (min > MAX_REPETITIONS || (max > MAX_REPETITIONS && max !== Number.POSITIVE_INFINITY))
    throw reader.invalid("number too big in {} quantifier");
  if (min > max) throw reader.invalid("numbers out of order in {} quantifier");
  return { min, max };
}
