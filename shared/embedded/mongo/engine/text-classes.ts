import type { Collation } from "../bson/collation.ts";
import type { TextKeys } from "../bson/key.ts";

const LARGEST_CHUNK = 512;

interface Chunk {
  /** One representative string per class, in the order of the collation. */
  readonly texts: string[];
  readonly keys: string[];
}

/**
 * Keys for strings under a collation: two strings have the same key if and only if the collation considers them
 * equal.
 *
 * The runtime can compare strings by a collation, but offers no sort key. So these keys have no order: an index
 * with a collation serves equality, not ranges. Classes are never removed; an index with many more classes than
 * entries is rebuilt.
 */
export class TextClasses implements TextKeys {
  readonly #order: Collation;
  readonly #chunks: Chunk[] = [{ texts: [], keys: [] }];
  /** The number of classes. */
  size = 0;

  constructor(order: Collation) {
    this.#order = order;
  }

  /** Returns the key of a string to store. Creates a class if no equal string was stored before. */
  keyOf(text: string): string {
    const { at, slot, isEqual } = this.#find(text);
    const chunk = this.#chunks[at]!;
    if (isEqual) return chunk.keys[slot]!;
    this.size += 1;
    const key = this.size.toString(36);
    chunk.texts.splice(slot, 0, text);
    chunk.keys.splice(slot, 0, key);
    if (chunk.texts.length > LARGEST_CHUNK) this.#split(at);
    return key;
  }

  /**
   * Returns the keys of strings to search for. All strings without a class share one key that no entry has.
   */
  readonly known: TextKeys = {
    keyOf: (text) => {
      const { at, slot, isEqual } = this.#find(text);
      return isEqual ? this.#chunks[at]!.keys[slot]! : "";
    },
  };

  #find(text: string): { at: number; slot: number; isEqual: boolean } {
    const chunks = this.#chunks;
    const at = Math.min(
      chunks.length - 1,
      this.#lowest(chunks.length, (middle) => chunks[middle]!.texts.at(-1) ?? "", text),
    );
    const { texts } = chunks[at]!;
    const slot = this.#lowest(texts.length, (middle) => texts[middle]!, text);
    return { at, slot, isEqual: slot < texts.length && this.#order(texts[slot]!, text) === 0 };
  }

  /** Returns the first position whose string is not below the text. */
  #lowest(length: number, textAt: (at: number) => string, text: string): number {
    let [low, high] = [0, length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order(textAt(middle), text) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #split(at: number): void {
    const { texts, keys } = this.#chunks[at]!;
    const half = texts.length >> 1;
    this.#chunks.splice(at + 1, 0, { texts: texts.splice(half), keys: keys.splice(half) });
  }
}
