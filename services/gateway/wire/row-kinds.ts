import { inputFaults } from "../texts/messages.ts";
import { text, whole } from "./wire-kinds.ts";
import { Faults, type FieldFault, fault, type Kind } from "./wire-validation.ts";

/** What a column of the type integer holds. */
export const INTEGER = { min: -(2 ** 31), max: 2 ** 31 - 1 } as const;
/** Items of one body; the body itself is bounded, too. */
const MOST_ITEMS = 10_000;

/** The id of a row; without limits it may be of no row. */
export function rowIdKind(limits: { readonly min?: number; readonly max?: number } = {}): Kind<number> {
  const kind = whole(limits);
  return { ...kind, schema: { ...kind.schema, examples: [1] } };
}

/** A list of values of one kind, with pydantic's sentences for its length. */
export function listKind<T>(item: Kind<T>, { min = 0, max = MOST_ITEMS } = {}): Kind<readonly T[]> {
  const expected = `list of: ${item.expected}`;
  const items = (count: number) => (count === 1 ? "1 item" : `${count} items`);
  return {
    expected,
    schema: {
      type: "array",
      items: item.schema,
      ...(min > 0 && { minItems: min }),
      maxItems: max,
    },
    read(value, field) {
      if (!Array.isArray(value)) return fault(field, inputFaults.notAList, expected);
      const { length } = value;
      if (length < min)
        return fault(
          field,
          `List should have at least ${items(min)} after validation, not ${length}`,
          expected,
        );
      if (length > max)
        return fault(
          field,
          `List should have at most ${items(max)} after validation, not ${length}`,
          expected,
        );
      const read = value.map((entry, index) => item.read(entry, `${field}[${index}]`));
      const errors: FieldFault[] = read.flatMap((entry) => (entry instanceof Faults ? entry.errors : []));
      return errors.length > 0 ? new Faults(errors) : (read as readonly T[]);
    },
  };
}

/** The form that the Python original demands: a mobile number of mainland China. */
const TELEPHONE = /^1(3\d|4[4-9]|5[0-35-9]|6[67]|7[013-8]|8[0-9]|9[0-9])\d{8}$/;
const EMAIL = /^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$/;
const LONGEST_EMAIL = 255;

export const telephone: Kind<string> = {
  expected: "mobile number of 11 digits",
  schema: { type: "string", pattern: TELEPHONE.source },
  read(value, field) {
    if (typeof value !== "string") return fault(field, "Input should be a valid string", this.expected);
    return TELEPHONE.test(value) ? value : fault(field, inputFaults.notATelephone, this.expected);
  },
};

export const email: Kind<string> = {
  expected: "e-mail address",
  schema: { type: "string", maxLength: LONGEST_EMAIL, pattern: EMAIL.source },
  read(value, field) {
    const address = text({ max: LONGEST_EMAIL }).read(value, field);
    if (address instanceof Faults) return address;
    if (address === "") return fault(field, inputFaults.emailMissing, this.expected);
    return EMAIL.test(address) ? address : fault(field, inputFaults.notAnEmail, this.expected);
  },
};
