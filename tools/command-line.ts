import { parseArgs } from "node:util";
import { AppError } from "../shared/errors.ts";

/** The words of a command are wrong; the message ends with the usage. */
export class UsageFault extends AppError {
  constructor(reason: string, usage: string) {
    super(`${reason}\n\n${usage}`, { type: "USAGE" });
  }
}

/** Prints the usage if the words ask for it; returns whether they do. */
export function printsHelp(words: readonly string[], usage: string): boolean {
  const isRequested = words.some((word) => word === "--help" || word === "-h");
  if (isRequested) process.stdout.write(`${usage}\n`);
  return isRequested;
}

interface Allowed<S extends string, F extends string> {
  /** Words without a name that the command requires, in this order. */
  readonly operands?: readonly S[];
  /** Options with a value. */
  readonly texts?: readonly S[];
  /** Options without one. */
  readonly flags?: readonly F[];
  readonly usage: string;
}
export type Options<S extends string, F extends string> = { readonly [K in S]?: string } & {
  readonly [K in F]?: boolean;
};

/**
 * The options and operands among the words of a command.
 *
 * @throws UsageFault for unknown options, surplus words and missing operands
 */
export function readOptions<S extends string = never, F extends string = never>(
  words: readonly string[],
  { operands = [], texts = [], flags = [], usage }: Allowed<S, F>,
): Options<S, F> {
  const known = [
    ...texts.map((name) => [name, { type: "string" }]),
    ...flags.map((name) => [name, { type: "boolean" }]),
  ];
  const { values, positionals } = parsed(words, Object.fromEntries(known), { operands, usage });
  const missing = operands[positionals.length];
  if (missing !== undefined) throw new UsageFault(`<${missing}> is missing.`, usage);
  const surplus = positionals[operands.length];
  if (surplus !== undefined) throw new UsageFault(`Unexpected argument '${surplus}'.`, usage);
  const named = operands.map((name, index) => [name, positionals[index]]);
  return { ...values, ...Object.fromEntries(named) } as Options<S, F>;
}

function parsed(
  words: readonly string[],
  options: Record<string, { type: "string" | "boolean" }>,
  { operands, usage }: { readonly operands: readonly string[]; readonly usage: string },
) {
  try {
    const allowPositionals = operands.length > 0;
    return parseArgs({ args: [...words], options, allowPositionals, strict: true });
  } catch (error) {
    const [reason = ""] = (error as Error).message.split(". ");
    throw new UsageFault(`${reason}.`, usage);
  }
}
