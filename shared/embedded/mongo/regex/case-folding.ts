import { type CharSet, contains, union } from "./char-set.ts";

/** The ranges of letters with a case outside ASCII. */
const CASED_BLOCKS = [
  [0x80, 0x2fff],
  [0xa640, 0xabff],
  [0xfb00, 0xff5f],
  [0x10400, 0x10cff],
  [0x118a0, 0x118df],
  [0x16e40, 0x16e7f],
  [0x1e900, 0x1e943],
] as const;
/** The dotless and the dotted i of Turkish have no counterpart in other languages. */
const WITHOUT_COUNTERPART = new Set([0x130, 0x131]);

/** Letters that differ only in case; those in ASCII with their counterparts outside it. */
const ASCII_VARIANTS: ReadonlyMap<number, readonly number[]> = new Map(
  Array.from({ length: 26 }, (_, i) => [0x41 + i, 0x61 + i])
    .map((pair) => (pair[0] === 0x4b ? [...pair, 0x212a] : pair[0] === 0x53 ? [...pair, 0x17f] : pair))
    .flatMap((letters) => letters.map((letter) => [letter, letters] as const)),
);

let others: ReadonlyMap<number, readonly number[]> | null = null;

const soleCodePoint = (text: string): number | undefined => {
  const codePoint = text.codePointAt(0)!;
  return String.fromCodePoint(codePoint) === text ? codePoint : undefined;
};

/** The letter that all variants of a letter share. */
function folded(codePoint: number): number {
  const upper = soleCodePoint(String.fromCodePoint(codePoint).toUpperCase()) ?? codePoint;
  return soleCodePoint(String.fromCodePoint(upper).toLowerCase()) ?? codePoint;
}

/** Built on first use, in about five milliseconds. */
function otherVariants(): ReadonlyMap<number, readonly number[]> {
  if (others !== null) return others;
  const byFold = new Map<number, number[]>();
  for (const [first, last] of CASED_BLOCKS) {
    for (let codePoint = first; codePoint <= last; codePoint++) {
      if (WITHOUT_COUNTERPART.has(codePoint) || ASCII_VARIANTS.has(codePoint)) continue;
      const fold = folded(codePoint);
      if (fold !== codePoint || byFold.has(fold))
        byFold.set(fold, [...(byFold.get(fold) ?? [fold]), codePoint]);
      else byFold.set(fold, [codePoint]);
    }
  }
  const letters = [...byFold.values()].map((variants) => [...new Set(variants)]);
  others = new Map(
    letters.filter(({ length }) => length > 1).flatMap((all) => all.map((one) => [one, all] as const)),
  );
  return others;
}

/** A letter and those that differ from it only in case. */
export function caseVariants(codePoint: number): readonly number[] {
  const known = codePoint < 0x80 ? ASCII_VARIANTS.get(codePoint) : undefined;
  if (known !== undefined) return known;
  if (codePoint < 0x80) return [codePoint];
  return ASCII_VARIANTS.get(codePoint) ?? otherVariants().get(codePoint) ?? [codePoint];
}

/** The set with the variants of all its letters. */
export function withCaseVariants(set: CharSet): CharSet {
  const added: number[] = [];
  const add = (letters: ReadonlyMap<number, readonly number[]>) => {
    for (const [letter, variants] of letters)
      if (contains(set, letter)) for (const variant of variants) added.push(variant, variant);
  };
  add(ASCII_VARIANTS);
  if ((set.at(-1) ?? 0) > 0x7f) add(otherVariants());
  return union(set, added);
}
