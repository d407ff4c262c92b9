import type { Collation } from "../bson/collation.ts";
import type { BsonValue } from "../bson/values.ts";

/** Replaces strings that are equal under a collation by one of them, so that they form one group. */
export class StringClasses {
  readonly #order: Collation;
  readonly #known = new Map<string, string>();
  readonly #representatives: string[] = [];

  constructor(order: Collation) {
    this.#order = order;
  }

  represent(value: BsonValue): BsonValue {
    if (typeof value === "string") return this.#representative(value);
    if (Array.isArray(value)) return value.map((item) => this.represent(item));
    if (value instanceof Map) return new Map([...value].map(([name, item]) => [name, this.represent(item)]));
    return value;
  }

  #representative(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    let [low, high] = [0, this.#representatives.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order(this.#representatives[middle]!, text) < 0) low = middle + 1;
      else high = middle;
    }
    const found = this.#representatives[low];
    const isEqual = found !== undefined && this.#order(found, text) === 0;
    if (!isEqual) this.#representatives.splice(low, 0, text);
    const representative = isEqual ? found : text;
    this.#known.set(text, representative);
    return representative;
  }
}
