import { parseArgs } from "node:util";
import { AppError } from "../shared/errors.ts";

/** The words of a command are wrong; the message ends with what would be right. */
export class UsageFault extends AppError {
  constructor(reason: string, usage: string) {
    super(`${reason}\n\n${usage}`, { type: "USAGE" });
  }
}

/** Prints the usage where it is asked for, and says so. */
export function printsHelp(words: readonly string[], usage: string): boolean {
  const isAsked = words.some((word) => word === "--help" || word === "-h");
  if (isAsked) process.stdout.write(`${usage}\n`);
  return isAsked;
}

interface Allowed<S extends string, F extends string> {
  /** Options with a value. */
  readonly texts?: readonly S[];
  /** Options without one. */
  readonly flags?: readonly F[];
  readonly usage: string;
}
export type Options<S extends string, F extends string> = { readonly [K in S]?: string } & {
  readonly [K in F]?: boolean;
};

/** The options among the words of a command. Anything that it does not know is a `UsageFault`. */
export function readOptions<S extends string = never, F extends string = never>(
  words: readonly string[],
  { texts = [], flags = [], usage }: Allowed<S, F>,
): Options<S, F> {
  const known = [
    ...texts.map((name) => [name, { type: "string" }]),
    ...flags.map((name) => [name, { type: "boolean" }]),
  ];
  try {
    const { values } = parseArgs({ args: [...words], options: Object.fromEntries(known), strict: true });
    return values as Options<S, F>;
  } catch (error) {
    const [reason = ""] = (error as Error).message.split(". ");
    throw new UsageFault(`${reason}.`, usage);
  }
}
