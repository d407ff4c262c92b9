import { CommandFault, unsupported } from "./fault.ts";
import { type BsonNumber, isNumber, toDouble } from "./number.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "./values.ts";

/** The order of strings in one command, collection or index; `undefined` means by bytes. */
export interface Collation {
  (a: string, b: string): number;
  /** Every option, as `listIndexes` shows them. */
  readonly spec: BsonDocument;
  /** Equal for collations whose options are equal. */
  readonly key: string;
}

export const isSameCollation = (a: Collation | undefined, b: Collation | undefined): boolean =>
  a?.key === b?.key;

/** Maximum number of cached collators, which are slow to create. */
const MAX_KEPT = 100;
const kept = new Map<string, Collation>();

const SENSITIVITY: Readonly<Record<number, Intl.CollatorOptions["sensitivity"]>> = {
  1: "base",
  2: "accent",
  3: "variant",
};
const KNOWN = new Set([
  "locale",
  "strength",
  "caseLevel",
  "caseFirst",
  "numericOrdering",
  "alternate",
  "maxVariable",
  "backwards",
  "normalization",
  "version",
]);

function textField(spec: BsonDocument, name: string): string | undefined {
  const value = spec.get(name);
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw new CommandFault(14, `Field '${name}' in collation must be a string`);
  return value;
}

function collator(spec: BsonDocument, locale: string): Intl.Collator {
  const given = spec.get("strength");
  const strength = given === undefined ? 3 : isNumber(given) ? toDouble(given) : Number.NaN;
  if (![1, 2, 3, 4, 5].includes(strength))
    throw new CommandFault(9, "collation strength must be an integer from 1 to 5");
  if (strength > 3) throw unsupported(`collation strength ${strength}`);
  if (spec.get("backwards") === true) throw unsupported("collation option backwards");
  const caseFirst = textField(spec, "caseFirst") ?? "off";
  if (caseFirst !== "off" && caseFirst !== "upper" && caseFirst !== "lower") {
    throw new CommandFault(9, `collation caseFirst must be off, upper or lower, not '${caseFirst}'`);
  }
  const sensitivity = strength === 1 && spec.get("caseLevel") === true ? "case" : SENSITIVITY[strength];
  return new Intl.Collator(supportedLocale(locale), {
    sensitivity,
    caseFirst: caseFirst === "off" ? "false" : caseFirst,
    numeric: spec.get("numericOrdering") === true,
    ignorePunctuation: textField(spec, "alternate") === "shifted",
  });
}

/** The runtime would silently replace an unknown locale by its default. */
function supportedLocale(locale: string): string {
  const name = locale.replaceAll("_", "-");
  try {
    if (Intl.Collator.supportedLocalesOf(name).length > 0) return name;
  } catch {
    // An invalid locale is rejected like an unknown one.
  }
  throw new CommandFault(2, `Field 'locale' is invalid in: { locale: "${locale}" }`);
}

/**
 * Compiles a command's `collation` document; undefined for none and for `{ locale: "simple" }`.
 *
 * @throws CommandFault 2 or 9 for an invalid specification, 115 for strengths that the runtime does not support
 */
export function compileCollation(spec: BsonValue | undefined): Collation | undefined {
  if (spec === undefined) return undefined;
  if (!isDocument(spec)) throw new CommandFault(14, "collation must be an object");
  if (spec.size === 0) return undefined;
  for (const name of spec.keys())
    if (!KNOWN.has(name))
      throw new CommandFault(40415, `BSON field 'collation.${name}' is an unknown field.`);
  const locale = textField(spec, "locale");
  if (locale === undefined)
    throw new CommandFault(40414, "BSON field 'collation.locale' is missing but a required field");
  if (locale === "simple") return undefined;
  const order = collator(spec, locale);
  const whole = completeSpec(spec, locale);
  const key = JSON.stringify([...whole]);
  const known = kept.get(key);
  if (known !== undefined) return known;
  const compare = (a: string, b: string) => (a === b ? 0 : order.compare(a, b));
  const collation: Collation = Object.assign(compare, { spec: whole, key });
  if (kept.size >= MAX_KEPT) kept.clear();
  kept.set(key, collation);
  return collation;
}

/** The version of the collation data in MongoDB 7.0. */
const DATA_VERSION = "57.1";

function completeSpec(spec: BsonDocument, locale: string): BsonDocument {
  const flag = (name: string) => spec.get(name) === true;
  return documentOf({
    locale,
    caseLevel: flag("caseLevel"),
    caseFirst: spec.get("caseFirst") ?? "off",
    strength: toDouble((spec.get("strength") ?? 3) as BsonNumber),
    numericOrdering: flag("numericOrdering"),
    alternate: spec.get("alternate") ?? "non-ignorable",
    maxVariable: spec.get("maxVariable") ?? "punct",
    normalization: flag("normalization"),
    backwards: flag("backwards"),
    version: DATA_VERSION,
  });
}
