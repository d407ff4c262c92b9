/** JSON with objects as Maps: `JSON.parse` would reorder keys that look like numbers and lose `__proto__`. */
export type OrderedJson = string | number | boolean | null | OrderedJson[] | Map<string, OrderedJson>;

const MAX_DEPTH = 200;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\r\n]*/y;
const WORDS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

/** @throws SyntaxError with the position of the invalid JSON */
export function parseOrderedJson(text: string): OrderedJson {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.requireEnd();
  return value;
}

class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): OrderedJson {
    if (depth > MAX_DEPTH) throw this.#error(`more than ${MAX_DEPTH} levels`);
    this.#skip(SPACE);
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    const number = this.#skip(NUMBER);
    if (number !== "") return Number(number);
    for (const [word, value] of Object.entries(WORDS)) {
      if (!this.#text.startsWith(word, this.#at)) continue;
      this.#at += word.length;
      return value;
    }
    throw this.#error("a value is expected");
  }

  requireEnd(): void {
    this.#skip(SPACE);
    if (this.#at < this.#text.length) throw this.#error("the end is expected");
  }

  #object(depth: number): Map<string, OrderedJson> {
    const object = new Map<string, OrderedJson>();
    this.#at += 1;
    if (this.#takes("}")) return object;
    do {
      this.#skip(SPACE);
      if (this.#text[this.#at] !== '"') throw this.#error("a key in quotes is expected");
      const key = this.#string();
      if (!this.#takes(":")) throw this.#error("':' is expected");
      object.set(key, this.value(depth + 1));
    } while (this.#takes(","));
    if (!this.#takes("}")) throw this.#error("',' or '}' is expected");
    return object;
  }

  #array(depth: number): OrderedJson[] {
    const items: OrderedJson[] = [];
    this.#at += 1;
    if (this.#takes("]")) return items;
    do items.push(this.value(depth + 1));
    while (this.#takes(","));
    if (!this.#takes("]")) throw this.#error("',' or ']' is expected");
    return items;
  }

  /**
   * `JSON.parse` decodes the text between the quotes. A regular expression would overflow the stack at some
   * megabytes.
   */
  #string(): string {
    const from = this.#at;
    let end = this.#text.indexOf('"', from + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    try {
      const string = JSON.parse(this.#text.slice(from, end === -1 ? undefined : end + 1)) as string;
      this.#at = end + 1;
      return string;
    } catch {
      throw this.#error("a string is malformed");
    }
  }

  /** True after an odd number of backslashes. */
  #isEscaped(position: number): boolean {
    let before = position;
    while (this.#text[before - 1] === "\\") before -= 1;
    return (position - before) % 2 === 1;
  }

  #takes(character: string): boolean {
    this.#skip(SPACE);
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skip(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #error(reason: string): SyntaxError {
    return new SyntaxError(`malformed JSON at character ${this.#at + 1}: ${reason}`);
  }
}
