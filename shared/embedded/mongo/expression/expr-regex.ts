import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, Regex } from "../bson/values.ts";
import { type Spans, widthAt } from "../regex/backtracking.ts";
import { compileRegex } from "../regex/compile-regex.ts";
import type { CompiledRegex } from "../regex/compiled-regex.ts";
import { isNullish, type Maybe, named, type Operator, type OperatorTable } from "./operator.ts";

interface Arguments {
  readonly input: string;
  readonly regex: CompiledRegex;
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
function describe([start, end, ...groups]: Spans, input: string): BsonDocument {
  const captures: BsonValue[] = [];
  for (let i = 0; i < groups.length; i += 2)
    captures.push(groups[i]! < 0 ? null : input.slice(groups[i], groups[i + 1]));
  return new Map<string, BsonValue>([
    ["match", input.slice(start, end)],
    ["idx", Array.from(input.slice(0, start)).length],
    ["captures", captures],
  ]);
}

function everyMatch({ input, regex }: Arguments): BsonDocument[] {
  const matches: BsonDocument[] = [];
  let from = 0;
  while (from <= input.length) {
    const match = regex.find(input, from);
    if (match === null) break;
    matches.push(describe(match, input));
    const [start, end] = match as [number, number];
    from = end > start ? end : end + widthAt(input, end);
  }
  return matches;
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
    const match = regex.find(input);
    return match ? describe(match, input) : null;
  }),
  $regexFindAll: regexOperator("$regexFindAll", [], everyMatch),
};
