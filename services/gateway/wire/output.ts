import type { Returns } from "../../../shared/contracts/action.ts";
import type { DataOf, Fields } from "../../../shared/contracts/contract.ts";
import { type JsonSchema, objectSchema, ruleSchema } from "../../../shared/contracts/json-schema.ts";
import type { Text } from "../texts/language.ts";

/** An object as responses show it, with the name that documents and clients give it. */
export interface Shape<F extends Fields = Fields> {
  readonly name: string;
  /** In the order of the response. */
  readonly fields: F;
  readonly example: DataOf<F>;
}
/** The static type of an object of a shape. */
export type Shown<S extends Shape> = DataOf<S["fields"]>;

export const shape = <const F extends Fields>(
  name: string,
  fields: F,
  example: NoInfer<DataOf<F>>,
): Shape<F> => ({ name, fields, example });

/** What an endpoint returns when it succeeds, with `D` as `data`. */
export interface Output<D = unknown> extends Returns<D> {
  /** `text`: the text is in `message`; `list`: the envelope has `total`, `page` and `limit`. */
  readonly envelope: "data" | "text" | "list";
  /** Of `data`, or of one item of a list. */
  readonly schema: JsonSchema;
  /** The shape that the schema is taken from. */
  readonly shape?: Shape;
  /** Values of `data`, or one item of a list; texts for `text`. */
  readonly examples: readonly (Text | { readonly value: unknown })[];
}

/** A text in `message`; `data` is null. */
export const inMessage = (...texts: readonly Text[]): Output<null> => ({
  envelope: "text",
  schema: { type: "null" },
  examples: texts,
});

/** A text in `data`. */
export const inData = (...texts: readonly Text[]): Output<string> => ({
  envelope: "data",
  schema: { type: "string" },
  examples: texts,
});

/** One object. */
export const one = <F extends Fields>(shape: Shape<F>): Output<DataOf<F>> => ({
  envelope: "data",
  ...shaped(shape),
});

/** A page of a list. */
export const listOf = <F extends Fields>(shape: Shape<F>): Output<readonly DataOf<F>[]> => ({
  envelope: "list",
  ...shaped(shape),
});

function shaped<F extends Fields>(shape: Shape<F>) {
  return {
    schema: objectSchema(shape.fields),
    shape: shape as unknown as Shape,
    examples: [{ value: shape.example }],
  };
}

/** One id of 24 hexadecimal digits. */
export const id: Output<string> = {
  envelope: "data",
  schema: ruleSchema("id"),
  examples: [{ value: "66f2a1c00a1b2c3d4e5f6071" }],
};

/** Success alone: `data` is null. */
export const nothing: Output<null> = {
  envelope: "data",
  schema: { type: "null" },
  examples: [{ value: null }],
};
