import { decodeDocument } from "../bson/decode.ts";
import { encodeDocument } from "../bson/encode.ts";
import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, BsonDouble, type BsonValue, documentOf, isDocument } from "../bson/values.ts";
import type { DocumentSequence, Request } from "../wire/request.ts";

const EMPTY: BsonDocument = documentOf({});

function wrongType(name: string, value: BsonValue, wanted: string): CommandFault {
  return new CommandFault(
    14,
    `BSON field '${name}' is the wrong type '${typeNameOf(value)}', expected ${wanted}`,
  );
}

/** The typed options of one command; each reader throws CommandFault 14 for a value of another type. */
export class Arguments {
  readonly command: BsonDocument;
  readonly #sequences: Request["sequences"];

  constructor({ command, sequences }: Pick<Request, "command" | "sequences">) {
    this.command = command;
    this.#sequences = sequences;
  }

  value(name: string): BsonValue | undefined {
    const value = this.command.get(name);
    return value === null ? undefined : value;
  }

  text(name: string): string {
    const value = this.command.get(name);
    if (typeof value === "string") return value;
    if (value === undefined)
      throw new CommandFault(40414, `BSON field '${name}' is missing but a required field`);
    throw wrongType(name, value, "string");
  }

  /** The collection that a command names as the value of its own name. */
  collection(): string {
    const [name, value] = this.command.entries().next().value!;
    if (typeof value !== "string")
      throw new CommandFault(73, `collection name of ${name} has invalid type ${typeNameOf(value)}`);
    if (value === "")
      throw new CommandFault(73, `Invalid namespace specified: ${name} needs a collection name`);
    return value;
  }

  document(name: string): BsonDocument {
    const value = this.value(name);
    if (value === undefined) return EMPTY;
    if (!isDocument(value)) throw wrongType(name, value, "object");
    return value;
  }

  list(name: string): readonly BsonValue[] {
    const value = this.value(name);
    if (value === undefined)
      throw new CommandFault(40414, `BSON field '${name}' is missing but a required field`);
    if (!Array.isArray(value)) throw wrongType(name, value, "array");
    return value;
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.value(name);
    if (value === undefined) return otherwise;
    if (typeof value === "boolean") return value;
    return this.number(name, 0) !== 0;
  }

  number(name: string, otherwise: number): number {
    const value = this.value(name);
    if (value === undefined) return otherwise;
    const number = numberOf(value);
    if (number === null) throw wrongType(name, value, "number");
    return number;
  }

  /** A whole number that must not be negative. */
  count(name: string, otherwise: number): number {
    const number = this.number(name, otherwise);
    if (number < 0)
      throw new CommandFault(51024, `BSON field '${name}' value must be >= 0, actual value '${number}'`);
    return number === Number.POSITIVE_INFINITY ? number : Math.trunc(number);
  }

  /** Documents of a write command: from the sequence beside it, or from an array inside it. */
  documents(name: string): DocumentSequence {
    const sequence = this.#sequences.get(name);
    if (sequence !== undefined) return sequence;
    const items = this.list(name).map((item, i) => {
      if (!isDocument(item)) throw wrongType(`${name}.${i}`, item, "object");
      return encodeDocument(item);
    });
    let end = 0;
    const offsets = items.map((item) => {
      end += item.length;
      return end - item.length;
    });
    return { bytes: Buffer.concat(items), offsets };
  }

  /** The statements of a write command, decoded, each with readers of its own. */
  statements(name: string): Arguments[] {
    const { bytes, offsets } = this.documents(name);
    return offsets.map((offset) => statementAt(bytes, offset));
  }
}

const NO_SEQUENCES: Request["sequences"] = new Map();

/** One statement of a write command, decoded. */
export const statementAt = (bytes: Uint8Array, offset: number): Arguments =>
  new Arguments({ command: decodeDocument(bytes, offset), sequences: NO_SEQUENCES });

/** The number in a value of any numeric type but Decimal128; null for anything else. */
export function numberOf(value: BsonValue | undefined): number | null {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  return value instanceof BsonDouble ? value.value : null;
}
