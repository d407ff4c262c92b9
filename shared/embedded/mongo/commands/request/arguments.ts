import { decodeDocument } from "../../bson/decode.ts";
import { encodeDocument } from "../../bson/encode.ts";
import { CommandFault } from "../../bson/fault.ts";
import { isNumber, toDouble } from "../../bson/number.ts";
import { typeNameOf } from "../../bson/type-names.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../../bson/values.ts";
import type { DocumentSequence, Request } from "../../wire/request.ts";

const EMPTY: BsonDocument = documentOf({});

const MAX_TIME_MS = 2 ** 31 - 1;
const NUMBERS = "types '[long, int, decimal, double]'";

/**
 * The typed options of one command or statement. Each reader throws CommandFault 14 for a value of another type.
 */
export class Arguments {
  readonly command: BsonDocument;
  readonly #sequences: Request["sequences"];
  readonly #place: string | null;

  /** @param place the prefix of option names in error messages; default: the command's name */
  constructor({ command, sequences }: Pick<Request, "command" | "sequences">, place: string | null = null) {
    this.command = command;
    this.#sequences = sequences;
    this.#place = place;
  }

  /** Returns the name of an option in error messages: `find.filter`, `update.updates.q`. */
  #path(name: string): string {
    return `${this.#place ?? this.command.keys().next().value}.${name}`;
  }

  #wrongType(name: string, value: BsonValue, wanted: string): CommandFault {
    return new CommandFault(
      14,
      `BSON field '${this.#path(name)}' is the wrong type '${typeNameOf(value)}', expected ${wanted}`,
    );
  }

  #missing(name: string): CommandFault {
    return new CommandFault(40414, `BSON field '${this.#path(name)}' is missing but a required field`);
  }

  /** @throws CommandFault 40415 for an option that is not among `known` */
  requireKnown(known: ReadonlySet<string>): void {
    for (const name of this.command.keys()) {
      if (known.has(name)) continue;
      throw new CommandFault(40415, `BSON field '${this.#path(name)}' is an unknown field.`);
    }
  }

  value(name: string): BsonValue | undefined {
    const value = this.command.get(name);
    return value === null ? undefined : value;
  }

  text(name: string): string {
    const value = this.command.get(name);
    if (typeof value === "string") return value;
    if (value === undefined) throw this.#missing(name);
    throw this.#wrongType(name, value, "type 'string'");
  }

  /** The collection: the value of the field with the command's name. */
  collection(): string {
    const [name, value] = this.command.entries().next().value!;
    if (typeof value !== "string")
      throw new CommandFault(73, `collection name of ${name} has invalid type ${typeNameOf(value)}`);
    if (value === "" || value.startsWith(".") || /[$\0]/.test(value))
      throw new CommandFault(73, `Invalid namespace specified '${this.command.get("$db")}.${value}'`);
    return value;
  }

  document(name: string): BsonDocument {
    const value = this.value(name);
    if (value === undefined) return EMPTY;
    if (!isDocument(value)) throw this.#wrongType(name, value, "type 'object'");
    return value;
  }

  required(name: string): BsonValue {
    const value = this.value(name);
    if (value === undefined) throw this.#missing(name);
    return value;
  }

  requiredDocument(name: string): BsonDocument {
    this.required(name);
    return this.document(name);
  }

  list(name: string): readonly BsonValue[] {
    const value = this.required(name);
    if (!Array.isArray(value)) throw this.#wrongType(name, value, "type 'array'");
    return value;
  }

  listOfDocuments(name: string): BsonDocument[] {
    return this.list(name).map((item, i) => {
      if (isDocument(item)) return item;
      throw this.#wrongType(`${name}.${i}`, item, "type 'object'");
    });
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.value(name);
    if (value === undefined) return otherwise;
    if (typeof value === "boolean") return value;
    const number = numberOf(value);
    if (number === null) throw this.#wrongType(name, value, "types '[bool, long, int, decimal, double]'");
    return number !== 0;
  }

  /** A boolean option that accepts no numbers. */
  strictFlag(name: string, otherwise = false): boolean {
    const value = this.value(name);
    if (value === undefined) return otherwise;
    if (typeof value === "boolean") return value;
    throw this.#wrongType(name, value, "type 'bool'");
  }

  number(name: string, otherwise: number): number {
    const value = this.value(name);
    if (value === undefined) return otherwise;
    const number = numberOf(value);
    if (number === null) throw this.#wrongType(name, value, NUMBERS);
    return number;
  }

  requiredNumber(name: string): number {
    this.required(name);
    return this.number(name, 0);
  }

  /** A whole number of at least 0. */
  count(name: string, otherwise: number): number {
    const number = this.number(name, otherwise);
    if (number < 0)
      throw new CommandFault(51024, `BSON field '${name}' value must be >= 0, actual value '${number}'`);
    return number === Number.POSITIVE_INFINITY ? number : Math.trunc(number);
  }

  /** The index that a query must use, by name or by key pattern. */
  hint(): BsonValue | undefined {
    const hint = this.value("hint");
    if (hint === undefined || typeof hint === "string" || isDocument(hint)) return hint;
    throw new CommandFault(9, "Hint must be a string or an object");
  }

  /** The time limit of the command in milliseconds; 0 for none. */
  maxTimeMs(): number {
    const value = this.value("maxTimeMS");
    if (value === undefined) return 0;
    const ms = numberOf(value);
    if (ms === null) throw new CommandFault(2, "maxTimeMS must be a number");
    if (!Number.isInteger(ms)) throw new CommandFault(2, "maxTimeMS has non-integral value");
    if (ms >= 0 && ms <= MAX_TIME_MS) return ms;
    throw new CommandFault(2, `${ms} value for maxTimeMS is out of range [0, ${MAX_TIME_MS}]`);
  }

  /** The documents of a write command, from its document sequence or from an array in the command. */
  documents(name: string): DocumentSequence {
    const sequence = this.#sequences.get(name);
    if (sequence !== undefined) return sequence;
    const items = this.listOfDocuments(name).map(encodeDocument);
    let end = 0;
    const offsets = items.map((item) => {
      end += item.length;
      return end - item.length;
    });
    return { bytes: Buffer.concat(items), offsets };
  }

  /** The decoded statements of a write command as typed options. */
  statements(name: string): Arguments[] {
    const { bytes, offsets } = this.documents(name);
    return offsets.map((offset) => statementAt(bytes, offset, this.#path(name)));
  }

  /** An embedded document as typed options. */
  inner(name: string): Arguments {
    return argumentsIn(this.document(name), this.#path(name));
  }
}

const NO_SEQUENCES: Request["sequences"] = new Map();

export const argumentsIn = (document: BsonDocument, place: string | null = null): Arguments =>
  new Arguments({ command: document, sequences: NO_SEQUENCES }, place);

/** One statement of a write command, decoded. */
export const statementAt = (bytes: Uint8Array, offset: number, place: string): Arguments =>
  argumentsIn(decodeDocument(bytes, offset), place);

/** Returns the number in a value of any numeric type; null for other values. */
export const numberOf = (value: BsonValue | undefined): number | null =>
  isNumber(value) ? toDouble(value) : null;
