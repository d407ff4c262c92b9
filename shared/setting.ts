import { IANAZone } from "luxon";

/** One environment variable: its default, what it is for, and how its text is read. */
export interface Setting<T> {
  readonly variable: string;
  readonly fallback: T;
  readonly purpose: string;
  /** Its value may contain a password: `<variable>_FILE` can name a file that contains it. */
  readonly isSecret?: boolean;
  /** Parses a value that is set; returns an `Error` that states what is expected. */
  readonly parse: (text: string) => T | Error;
}

export const text = (variable: string, fallback: string, purpose: string): Setting<string> => ({
  variable,
  fallback,
  purpose,
  parse: (value) => value,
});

/** The same setting, which may also be read from a file. */
export const secret = <T>(setting: Setting<T>): Setting<T> => ({ ...setting, isSecret: true });

/** Addresses separated by commas; empty by default. Faults do not repeat the value, since it may contain a password. */
export const addresses = (
  variable: string,
  { form, example }: { readonly form: RegExp; readonly example: string },
  purpose: string,
): Setting<string> => ({
  ...text(variable, "", purpose),
  parse: (value) => (form.test(value) ? value : new Error(`must be an address such as ${example}`)),
});

export const flag = (variable: string, fallback: boolean, purpose: string): Setting<boolean> => ({
  variable,
  fallback,
  purpose,
  parse: (value) => {
    if (/^(true|1|yes|on)$/i.test(value)) return true;
    if (/^(false|0|no|off)$/i.test(value)) return false;
    return new Error("must be true or false");
  },
});

/** Both ends included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}
export const integer = (
  variable: string,
  fallback: number,
  { min, max }: Range,
  purpose: string,
): Setting<number> => ({
  variable,
  fallback,
  purpose,
  parse: (value) => {
    const number = Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    return new Error(`must be a whole number from ${min} to ${max}`);
  },
});

/** For a default that depends on other settings: null if the variable is not set. */
export const optionalInteger = (variable: string, range: Range, purpose: string): Setting<number | null> => ({
  ...integer(variable, 0, range, purpose),
  fallback: null,
});

export const oneOf = <const V extends string>(
  variable: string,
  fallback: V,
  values: readonly V[],
  purpose: string,
) =>
  ({
    variable,
    fallback,
    purpose: `${purpose} One of: ${values.join(", ")}.`,
    parse: (value) =>
      values.find((known) => known === value) ?? new Error(`must be one of ${values.join(", ")}`),
  }) satisfies Setting<V>;

export const zone = (variable: string, fallback: string, purpose: string): Setting<string> => ({
  variable,
  fallback,
  purpose,
  parse: (value) =>
    IANAZone.isValidZone(value) ? value : new Error("must be an IANA time zone such as Asia/Shanghai"),
});

export interface ListForm {
  readonly item: RegExp;
  /** Reads after "must be". */
  readonly form: string;
  readonly fallback?: readonly string[];
  /** Default: items are read in lower case. */
  readonly keepsCase?: boolean;
}

/** Items separated by commas; each has to match. Empty by default. */
export const list = (
  variable: string,
  { item, form, fallback = [], keepsCase = false }: ListForm,
  purpose: string,
): Setting<readonly string[]> => ({
  variable,
  fallback,
  purpose,
  parse: (value) => {
    const cased = keepsCase ? value : value.toLowerCase();
    const items = partsOf(cased).flatMap((part) => part.trim() || []);
    return items.every((known) => item.test(known)) ? items : new Error(`must be ${form}`);
  },
});

/** The parts between commas, or the items of a JSON array, as the Python original has lists. */
function partsOf(value: string): readonly string[] {
  if (value.startsWith('["') || value === "[]") {
    try {
      return (JSON.parse(value) as readonly unknown[]).map(String);
    } catch {
      return [value];
    }
  }
  return value.split(",");
}
