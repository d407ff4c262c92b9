import type { CharSet } from "./char-set.ts";

/** A position between two characters. Lines end at "\n", words consist of ASCII letters, digits and underscores. */
export type Anchor =
  | "text start"
  | "text end"
  /** At the end, or before a newline that is the last character. */
  | "last line end"
  | "line start"
  | "line end"
  | "word boundary"
  | "inside or outside a word";

export interface Repeat {
  readonly kind: "repeat";
  readonly body: Node;
  readonly min: number;
  readonly max: number;
  readonly isLazy: boolean;
}

/** A parsed pattern. Options are resolved: sets contain the case variants of their letters, dots and anchors the line rules. */
export type Node =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "sequence"; readonly parts: readonly Node[] }
  | { readonly kind: "choice"; readonly branches: readonly Node[] }
  | Repeat
  | { readonly kind: "capture"; readonly index: number; readonly body: Node }
  | { readonly kind: "anchor"; readonly anchor: Anchor }
  /** Once it has matched, its alternatives are dropped. */
  | { readonly kind: "atomic"; readonly body: Node }
  | {
      readonly kind: "look";
      readonly direction: "ahead" | "behind";
      readonly isNegated: boolean;
      readonly body: Node;
    }
  | { readonly kind: "reference"; readonly index: number; readonly ignoresCase: boolean };

export interface Pattern {
  readonly root: Node;
  readonly captures: number;
}

/** The minimum and maximum number of code points that a node matches. A reference can match any number. */
export function widthOf(node: Node): readonly [min: number, max: number] {
  switch (node.kind) {
    case "set":
      return [1, 1];
    case "anchor":
    case "look":
      return [0, 0];
    case "reference":
      return [0, Number.POSITIVE_INFINITY];
    case "capture":
    case "atomic":
      return widthOf(node.body);
    case "repeat": {
      const [min, max] = widthOf(node.body);
      return [min * node.min, max === 0 ? 0 : max * node.max];
    }
    case "sequence": {
      let [least, most] = [0, 0];
      for (const part of node.parts) {
        const [min, max] = widthOf(part);
        least += min;
        most += max;
      }
      return [least, most];
    }
    case "choice": {
      const widths = node.branches.map(widthOf);
      return [Math.min(...widths.map(([min]) => min)), Math.max(...widths.map(([, max]) => max))];
    }
  }
}

const set = (...codePoints: number[]): Node => ({ kind: "set", set: codePoints });

/** `\R`: "\r\n" is matched as one. */
export const ANY_NEWLINE: Node = {
  kind: "choice",
  branches: [
    { kind: "sequence", parts: [set(0x0d, 0x0d), set(0x0a, 0x0a)] },
    {
      kind: "sequence",
      parts: [set(0x0d, 0x0d), { kind: "look", direction: "ahead", isNegated: true, body: set(0x0a, 0x0a) }],
    },
    set(0x0a, 0x0c, 0x85, 0x85, 0x2028, 0x2029),
  ],
};
