import type { PatternReader } from "./pattern-reader.ts";

/** How a group begins, after its opening parenthesis. */
export type GroupOpening =
  | { readonly kind: "capture"; readonly name?: string }
  | { readonly kind: "plain" | "atomic" | "resetting" | "options" | "never" }
  | { readonly kind: "look"; readonly direction: "ahead" | "behind"; readonly isNegated: boolean }
  | { readonly kind: "reference"; readonly name: string };

const OPENINGS: readonly (readonly [string, GroupOpening])[] = [
  ["?:", { kind: "plain" }],
  ["?>", { kind: "atomic" }],
  ["?|", { kind: "resetting" }],
  ["?=", { kind: "look", direction: "ahead", isNegated: false }],
  ["?!", { kind: "look", direction: "ahead", isNegated: true }],
  ["?<=", { kind: "look", direction: "behind", isNegated: false }],
  ["?<!", { kind: "look", direction: "behind", isNegated: true }],
];
const BY_MARK: ReadonlyMap<string, GroupOpening> = new Map(OPENINGS);
/** The long forms, as in `(*pla:…)`. */
const MARKS: Readonly<Record<string, string>> = {
  pla: "?=",
  positive_lookahead: "?=",
  nla: "?!",
  negative_lookahead: "?!",
  plb: "?<=",
  positive_lookbehind: "?<=",
  nlb: "?<!",
  negative_lookbehind: "?<!",
  atomic: "?>",
};

/** @param isPlainByDefault true where plain parentheses do not capture */
export function readGroupOpening(reader: PatternReader, isPlainByDefault: boolean): GroupOpening {
  if (reader.skip("*")) return readVerb(reader);
  if (reader.next !== "?") return { kind: isPlainByDefault ? "plain" : "capture" };
  for (const [mark, opening] of OPENINGS) if (reader.skip(mark)) return opening;
  reader.take();
  const named = reader.match(/P?<([A-Za-z_]\w{0,31})>|'([A-Za-z_]\w{0,31})'/y);
  if (named !== undefined) return { kind: "capture", name: (named[1] ?? named[2])! };
  const reference = reader.match(/P=(\w+)\)/y);
  if (reference !== undefined) return { kind: "reference", name: reference[1]! };
  refuseOthers(reader);
  return { kind: "options" };
}

function readVerb(reader: PatternReader): GroupOpening {
  const [, name, mark] = reader.match(/([A-Za-z_0-9=]*)(:|\))/y) ?? [];
  const opening = mark === ":" ? BY_MARK.get(MARKS[name!] ?? "") : undefined;
  if (opening !== undefined) return opening;
  if (mark === ")" && (name === "F" || name === "FAIL")) return { kind: "never" };
  throw reader.unsupported(`the verb (*${name ?? ""})`);
}

function refuseOthers(reader: PatternReader): void {
  if (reader.match(/P?<|'/y)) throw reader.invalid("subpattern name expected");
  if (reader.match(/R\)|[-+]?\d+\)|&|P>/y)) throw reader.unsupported("recursion");
  if (reader.skip("(")) throw reader.unsupported("a conditional group (?(…)");
  if (reader.skip("C")) throw reader.unsupported("a callout (?C)");
  if (reader.skip("*")) throw reader.unsupported("a non-atomic look-around (?*");
}
