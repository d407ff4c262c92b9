import { CommandFault } from "../bson/fault.ts";
import { BsonSymbol, type BsonValue, Regex } from "../bson/values.ts";

const compiled = new Map<string, RegExp>();
const CACHE_LIMIT = 500;

interface Translation {
  pattern: string;
  flags: Set<string>;
}

/** Leading `(?ims)` groups set options for the whole pattern. */
function takeInlineOptions(translation: Translation): void {
  const match = /^\(\?([imsx]+)\)/.exec(translation.pattern);
  if (!match) return;
  for (const flag of match[1]!) translation.flags.add(flag);
  translation.pattern = translation.pattern.slice(match[0].length);
}

const ESCAPES: Readonly<Record<string, string>> = {
  A: "(?<![\\s\\S])",
  z: "(?![\\s\\S])",
  Z: "(?=\\n?(?![\\s\\S]))",
  h: "[ \\t]",
  a: "\\x07",
  e: "\\x1b",
};

/** Turns Perl's spelling into JavaScript's: anchors, options, comments; what has no counterpart is left to fail. */
function translate({ pattern, flags }: Translation): string {
  const extended = flags.has("x");
  let out = "";
  let inClass = false;
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!;
    if (char === "\\") {
      const next = pattern[++i] ?? "";
      out += inClass ? char + next : (ESCAPES[next] ?? char + next);
    } else if (inClass) {
      if (char === "]") inClass = false;
      out += char;
    } else if (char === "[") {
      inClass = true;
      out += char;
      if (pattern[i + 1] === "]") out += `\\${pattern[++i]}`;
      else if (pattern[i + 1] === "^" && pattern[i + 2] === "]") {
        out += "^\\]";
        i += 2;
      }
    } else if (char === "$" && !flags.has("m")) out += "(?=\\n?(?![\\s\\S]))";
    else if (extended && /\s/.test(char)) continue;
    else if (extended && char === "#") while (i + 1 < pattern.length && pattern[i + 1] !== "\n") i++;
    else out += char;
  }
  return out.replaceAll("(?P<", "(?<");
}

function build(pattern: string, flags: string): RegExp {
  const translation: Translation = { pattern, flags: new Set(flags) };
  takeInlineOptions(translation);
  const source = translate(translation);
  const options = [...translation.flags].filter((flag) => "ims".includes(flag)).join("");
  try {
    return new RegExp(source, `${options}u`);
  } catch {
    // The `u` mode refuses harmless escapes such as `\-` outside a class.
    try {
      return new RegExp(source, options);
    } catch (error) {
      throw new CommandFault(51091, `Regular expression is invalid: ${(error as Error).message}`);
    }
  }
}

/** Compiles a Perl-style pattern with the options `i`, `m`, `s`, `x` and `u`; compiled patterns are kept. */
export function compileRegex(pattern: string, flags: string): RegExp {
  for (const flag of flags) {
    if (!"imsxu".includes(flag)) throw new CommandFault(51108, `invalid flag in regex options: ${flag}`);
  }
  const id = `${flags}/${pattern}`;
  const known = compiled.get(id);
  if (known) return known;
  const regex = build(pattern, flags);
  if (compiled.size >= CACHE_LIMIT) compiled.clear();
  compiled.set(id, regex);
  return regex;
}

/** A test for strings that match, and for stored regular expressions that are the same. */
export function regexTest(pattern: string, flags: string): (value: BsonValue | undefined) => boolean {
  const regex = compileRegex(pattern, flags);
  return (value) => {
    if (typeof value === "string") return regex.test(value);
    if (value instanceof BsonSymbol) return regex.test(value.value);
    return value instanceof Regex && value.pattern === pattern && value.flags === flags;
  };
}
