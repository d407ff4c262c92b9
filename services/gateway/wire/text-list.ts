import { fault, type Kind } from "./wire-validation.ts";

/** A list of some words, each at most once, in exactly this spelling. */
export function choices<const V extends string>(values: readonly V[]): Kind<readonly V[]> {
  const expected = `list of: ${values.join(" | ")}`;
  const isKnown = (item: unknown): item is V => values.some((known) => known === item);
  return {
    expected,
    schema: { type: "array", items: { type: "string", enum: values }, uniqueItems: true },
    read(value, field) {
      if (!Array.isArray(value)) return fault(field, "Input should be a valid list", expected);
      const wrong = value.findIndex((item) => !isKnown(item));
      if (wrong >= 0) return fault(`${field}.${wrong}`, "Input should be a known name", expected);
      return [...new Set(value as V[])];
    },
  };
}
