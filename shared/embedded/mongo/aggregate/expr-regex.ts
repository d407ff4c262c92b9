import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, Regex } from "../bson/values.ts";
import { compileRegex } from "../query/regex.ts";
import { isNullish, type Maybe, named, type Operator, type OperatorTable } from "./operator.ts";

interface Arguments {
  readonly input: string;
  readonly regex: RegExp;
}

/** Reads `{ input, regex, options }`; undefined when the input or the pattern is null. */
function readArguments(
  name: string,
  { input, regex, options }: Readonly<Record<string, Maybe>>,
): Arguments | undefined {
  if (!isNullish(input) && typeof input !== "string") {
    throw new CommandFault(51104, `${name} needs 'input' to be of type string, found ${typeNameOf(input)}`);
  }
  if (!isNullish(options) && typeof options !== "string")
    throw new CommandFault(51106, `${name} needs 'options' to be of type string`);
  if (!isNullish(regex) && typeof regex !== "string" && !(regex instanceof Regex)) {
    throw new CommandFault(51105, `${name} needs 'regex' to be of type string or regex`);
  }
  if (isNullish(input) || isNullish(regex)) return undefined;
  if (regex instanceof Regex && regex.flags !== "" && !isNullish(options)) {
    throw new CommandFault(
      51107,
      `${name}: found regex options specified in both 'regex' and 'options' fields`,
    );
  }
  const pattern = regex instanceof Regex ? regex.pattern : (regex as string);
  const flags = (options as string | undefined | null) ?? (regex instanceof Regex ? regex.flags : "");
  return { input: input as string, regex: compileRegex(pattern, flags) };
}

/** One match with its position in code points and its captures. */
function describe(match: RegExpMatchArray, input: string): BsonDocument {
  const captures: BsonValue[] = match.slice(1).map((capture) => capture ?? null);
  const before = Array.from(input.slice(0, match.index)).length;
  return new Map<string, BsonValue>([
    ["match", match[0]],
    ["idx", before],
    ["captures", captures],
  ]);
}

const regexOperator = (name: string, nothing: BsonValue, apply: (args: Arguments) => BsonValue): Operator =>
  named(
    {
      name,
      required: ["input", "regex"],
      optional: ["options"],
      codes: { shape: 51103, unknown: 31024, missing: 31022 },
    },
    (values) => {
      const args = readArguments(name, values);
      return args ? apply(args) : nothing;
    },
  );

/** Matching of strings against regular expressions. */
export const regexOperators: OperatorTable = {
  $regexMatch: regexOperator("$regexMatch", false, ({ input, regex }) => regex.test(input)),
  $regexFind: regexOperator("$regexFind", null, ({ input, regex }) => {
    const match = regex.exec(input);
    return match ? describe(match, input) : null;
  }),
  $regexFindAll: regexOperator("$regexFindAll", [], ({ input, regex }) =>
    [...input.matchAll(new RegExp(regex.source, `${regex.flags}g`))].map((match) => describe(match, input)),
  ),
};
