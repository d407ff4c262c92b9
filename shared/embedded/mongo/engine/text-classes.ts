import type { Collation } from "../bson/collation.ts";
import type { TextKeys } from "../bson/key.ts";

const LARGEST_CHUNK = 512;

interface Chunk {
  /** One string of each class, in the order of the collation. */
  readonly texts: string[];
  readonly keys: string[];
}

/**
 * Keys for strings by what a collation takes for equal: strings have one key if and only if it does.
 *
 * The runtime compares strings by a collation but gives no key whose bytes have that order. So these keys have none:
 * an index with a collation finds what is equal, not what is smaller. Classes are never removed; an index that has
 * many more of them than entries is built again.
 */
export class TextClasses implements TextKeys {
  readonly #order: Collation;
  readonly #chunks: Chunk[] = [{ texts: [], keys: [] }];
  /** How many classes there are. */
  size = 0;

  constructor(order: Collation) {
    this.#order = order;
  }

  /** The key of a string to be stored: a new one where nothing equal has been. */
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

  /** Keys of strings to be searched for: all that equal nothing have one that no entry has. */
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

  /** The first place whose string is not below the text. */
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
