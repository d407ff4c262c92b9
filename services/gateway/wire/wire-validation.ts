import { isJsonObject } from "../../../shared/contracts/json-object.ts";
import { type JsonSchema, orNull } from "../../../shared/contracts/json-schema.ts";
import { AppError } from "../../../shared/errors.ts";
import { inLanguage, type Wording } from "../texts/language.ts";

/** One thing that is wrong with a request, as the response lists it. Never holds the value itself. */
export interface FieldError {
  readonly field: string;
  readonly message: string;
  readonly expected: string;
}

/** The same before its language is known. */
export interface FieldFault {
  /** Path of the field: `name`, `data.expression`, `page`; `body` for the body as a whole. */
  readonly field: string;
  /** The sentence that pydantic has for it in the Python original, or ours. */
  readonly message: Wording;
  /** What would be right, in short: `integer >= 0`. */
  readonly expected: string;
}

/** Everything that is wrong with one value; returned, so that the faults of several fields can be collected. */
export class Faults {
  readonly errors: readonly FieldFault[];
  constructor(errors: readonly FieldFault[]) {
    this.errors = errors;
  }
}

/** One kind of value on the wire: how it is read, with the coercions of the Python original, and its description. */
export interface Kind<T> {
  readonly expected: string;
  /** The values that documents recommend; some kinds read more. */
  readonly schema: JsonSchema;
  read(value: unknown, field: string): T | Faults;
}

/** A field of a body or query: its kind, and its value where it is left out. */
export interface WireField<T> {
  readonly kind: Kind<T>;
  readonly absent: { readonly value: T } | undefined;
}
export type WireFields = Readonly<Record<string, WireField<unknown>>>;
export type ValuesOf<F extends WireFields> = {
  readonly [K in keyof F]: F[K] extends WireField<infer T> ? T : never;
};

export const required = <T>(kind: Kind<T>): WireField<T> => ({ kind, absent: undefined });
export const optional = <T, const A>(kind: Kind<T>, value: A): WireField<T | A> => ({
  kind,
  absent: { value },
});

/** A request that cannot be read; `INPUT_INVALID`, 400. `body` is what was sent, which the response repeats. */
export class InvalidInput extends AppError {
  readonly errors: readonly FieldFault[];
  readonly body: unknown;
  constructor(errors: readonly FieldFault[], body: unknown) {
    super(inLanguage(errors[0]?.message ?? "Invalid input", "en"), { type: "INPUT_INVALID", data: errors });
    this.errors = errors;
    this.body = body;
  }
}

/** A fault as a kind reports it. */
export function fault(field: string, message: Wording, expected: string): Faults {
  return new Faults([{ field, message, expected }]);
}

/**
 * Reads all fields of an object in the order of their declaration: returns the values, or all faults in that order.
 * Undeclared members are ignored, as in the Python original.
 */
export function readFields<F extends WireFields>(
  fields: F,
  source: Readonly<Record<string, unknown>>,
  path = "",
): ValuesOf<F> | Faults {
  const values: Record<string, unknown> = {};
  const errors: FieldFault[] = [];
  for (const [name, { kind, absent }] of Object.entries(fields)) {
    if (Object.hasOwn(source, name)) {
      const value = kind.read(source[name], path + name);
      if (value instanceof Faults) errors.push(...value.errors);
      else values[name] = value;
    } else if (absent) values[name] = absent.value;
    else errors.push({ field: path + name, message: "Field required", expected: kind.expected });
  }
  return errors.length > 0 ? new Faults(errors) : (values as ValuesOf<F>);
}

/** An object with fields of its own, e.g. `data` of an update. */
export function nested<F extends WireFields>(fields: F): Kind<ValuesOf<F>> {
  return {
    expected: "object",
    schema: fieldsSchema(fields),
    read: (value, field) =>
      isJsonObject(value)
        ? readFields(fields, value, `${field}.`)
        : fault(field, "Input should be a valid dictionary or object to extract fields from", "object"),
  };
}

/** Accepts null in addition to the values of a kind. */
export function nullable<T>(kind: Kind<T>): Kind<T | null> {
  return {
    expected: `${kind.expected} | null`,
    schema: orNull(kind.schema),
    read: (value, field) => (value === null ? null : kind.read(value, field)),
  };
}

/** Returns the JSON Schema of an object with these fields. */
export function fieldsSchema(fields: WireFields): JsonSchema {
  const entries = Object.entries(fields);
  const required = entries.filter(([, { absent }]) => absent === undefined).map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(entries.map(([name, field]) => [name, fieldSchema(field)])),
    ...(required.length > 0 && { required }),
  };
}

/** Returns the JSON Schema of one field, with its value if it is left out. */
export function fieldSchema({ kind, absent }: WireField<unknown>): JsonSchema {
  return absent?.value === undefined ? kind.schema : { ...kind.schema, default: absent.value };
}
