import { type CharSet, intersects, union } from "./char-set.ts";
import type { Node, Repeat } from "./syntax.ts";

/** An upper bound on the steps of a backtracking matcher: `factor · length ^ degree`. */
export interface Cost {
  readonly factor: number;
  /** Infinity if the steps multiply with each character. */
  readonly degree: number;
}

const ONE_WAY: Cost = { factor: 1, degree: 0 };
const ENDLESS: Cost = { factor: 1, degree: Number.POSITIVE_INFINITY };
/** A bounded repetition with more steps than this counts as unbounded. */
const MAX_WAYS = 10_000;

const MAX_COUNTED = 100;

/** The worst case of a backtracking matcher, over all positions where a match could begin. */
export function costOf(root: Node): Cost {
  const { factor, degree } = waysOf(root, true);
  return { factor, degree: degree + (startsAtTextStart(root) ? 0 : 1) };
}

/** @param isLast nothing follows that could fail, so no alternative is ever tried */
function waysOf(node: Node, isLast: boolean): Cost {
  switch (node.kind) {
    case "set":
    case "anchor":
      return ONE_WAY;
    case "reference":
      return { factor: 1, degree: 1 };
    case "capture":
      return waysOf(node.body, isLast);
    case "atomic":
    case "look":
      return waysOf(node.body, false);
    case "sequence":
      return product(node.parts.map((part, i) => waysOf(part, isLast && i === node.parts.length - 1)));
    case "choice":
      return sum(node.branches.map((branch) => waysOf(branch, isLast)));
    case "repeat":
      return repeatWays(node, isLast);
  }
}

function repeatWays({ body, min, max }: Repeat, isLast: boolean): Cost {
  const inner = waysOf(body, false);
  if (max <= 1) return { factor: inner.factor + 1 - min, degree: inner.degree };
  if (isUnambiguous(body)) {
    if (isLast) return { factor: inner.factor * (min + 1), degree: 0 };
    // At most one iteration per character, even if more are allowed.
    return max - min > MAX_COUNTED
      ? { factor: inner.factor, degree: 1 }
      : { factor: inner.factor * (max - min + 1), degree: 0 };
  }
  const ways = inner.factor ** max;
  return ways <= MAX_WAYS && inner.degree === 0 ? { factor: ways * (max - min + 1), degree: 0 } : ENDLESS;
}

const product = (costs: readonly Cost[]): Cost => ({
  factor: costs.reduce((all, { factor }) => all * factor, 1),
  degree: costs.reduce((all, { degree }) => all + degree, 0),
});

const sum = (costs: readonly Cost[]): Cost => ({
  factor: costs.reduce((all, { factor }) => all + factor, 0),
  degree: Math.max(...costs.map(({ degree }) => degree)),
});

/** Returns true if a text matches in one way only, and the next character always decides which. */
function isUnambiguous(node: Node): boolean {
  switch (node.kind) {
    case "set":
      return true;
    case "capture":
      return isUnambiguous(node.body);
    case "repeat":
      return node.min === node.max && node.min > 0 && isUnambiguous(node.body);
    case "sequence":
      return consuming(node.parts).length > 0 && consuming(node.parts).every(isUnambiguous);
    case "choice":
      return node.branches.every(isUnambiguous) && areDisjoint(node.branches.map(firstOf));
    default:
      return false;
  }
}

/** For what follows it, a look-around or an anchor has only one alternative. */
const consuming = (parts: readonly Node[]): readonly Node[] =>
  parts.filter(
    (part) => part.kind !== "anchor" && !(part.kind === "look" && waysOf(part, false).degree === 0),
  );

function areDisjoint(sets: readonly CharSet[]): boolean {
  let seen: CharSet = [];
  for (const set of sets) {
    if (intersects(seen, set)) return false;
    seen = union(seen, set);
  }
  return true;
}

/** The characters that an unambiguous node can begin with. */
function firstOf(node: Node): CharSet {
  switch (node.kind) {
    case "set":
      return node.set;
    case "capture":
    case "repeat":
      return firstOf(node.body);
    case "sequence":
      return firstOf(consuming(node.parts)[0]!);
    case "choice":
      return union(...node.branches.map(firstOf));
    default:
      return [];
  }
}

/** Returns true if a match can begin only at the start of the text. */
export function startsAtTextStart(node: Node): boolean {
  switch (node.kind) {
    case "anchor":
      return node.anchor === "text start";
    case "sequence":
      return node.parts.length > 0 && startsAtTextStart(node.parts[0]!);
    case "choice":
      return node.branches.every(startsAtTextStart);
    case "capture":
    case "atomic":
      return startsAtTextStart(node.body);
    default:
      return false;
  }
}
