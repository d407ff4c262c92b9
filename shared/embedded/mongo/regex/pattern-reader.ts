import { CommandFault } from "../bson/fault.ts";

export const invalidRegex = (reason: string): CommandFault =>
  new CommandFault(51091, `Regular expression is invalid: ${reason}`);

/** The text of a pattern with a current position. */
export class PatternReader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  /** The character at the position; empty at the end. */
  get next(): string {
    const codePoint = this.text.codePointAt(this.at);
    return codePoint === undefined ? "" : String.fromCodePoint(codePoint);
  }

  take(): string {
    const { next } = this;
    this.at += next.length;
    return next;
  }

  /** Skips the text if it is at the position. */
  skip(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }

  /** Skips what the sticky expression matches at the position; undefined if it does not match. */
  match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.at;
    const found = expression.exec(this.text);
    if (found === null) return undefined;
    this.at += found[0].length;
    return found;
  }

  /** Returns the text up to the terminator, and skips both. */
  until(terminator: string, construct: string): string {
    const end = this.text.indexOf(terminator, this.at);
    if (end < 0) throw this.invalid(`${construct} is not terminated`);
    const found = this.text.slice(this.at, end);
    this.at = end + terminator.length;
    return found;
  }

  invalid(reason: string): CommandFault {
    return invalidRegex(`${reason} at offset ${this.at}`);
  }

  /** The error for a PCRE feature that is not supported. */
  unsupported(construct: string): CommandFault {
    return invalidRegex(
      `${construct} at offset ${this.at} is not supported by the embedded MongoDB server; a real MongoDB server has it`,
    );
  }
}
