import { CommandFault } from "../bson/fault.ts";
import { BsonSymbol, type BsonValue, Regex } from "../bson/values.ts";
import { CompiledRegex } from "./compiled-regex.ts";

const compiled = new Map<string, CompiledRegex>();
const CACHE_LIMIT = 500;

/**
 * Compiles a Perl-style pattern with the options `i`, `m`, `s`, `x` and `u`; compiled patterns are cached.
 *
 * @throws CommandFault 51091 for an invalid or unsupported pattern, 51108 for an unknown option
 */
export function compileRegex(pattern: string, flags: string): CompiledRegex {
  for (const flag of flags) {
    if (!"imsxu".includes(flag)) throw new CommandFault(51108, `invalid flag in regex options: ${flag}`);
  }
  const id = `${flags}/${pattern}`;
  const known = compiled.get(id);
  if (known) return known;
  const regex = new CompiledRegex(pattern, flags);
  if (compiled.size >= CACHE_LIMIT) compiled.clear();
  compiled.set(id, regex);
  return regex;
}

/** Compiles a test for strings that match, and for stored regular expressions that are identical. */
export function regexTest(pattern: string, flags: string): (value: BsonValue | undefined) => boolean {
  const regex = compileRegex(pattern, flags);
  return (value) => {
    if (typeof value === "string") return regex.test(value);
    if (value instanceof BsonSymbol) return regex.test(value.value);
    return value instanceof Regex && value.pattern === pattern && value.flags === flags;
  };
}
