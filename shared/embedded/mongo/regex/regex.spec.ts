import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { test } from "node:test";
import { Automaton } from "./automaton.ts";
import { searchBacktracking } from "./backtracking.ts";
import { CompiledRegex } from "./compiled-regex.ts";
import { startsAtTextStart } from "./cost.ts";
import { parsePattern } from "./parser.ts";
import { compileProgram } from "./program.ts";
import { regexCases, rejectedPatterns } from "./regex-cases.fixture.ts";

const textsOf = (spans: readonly number[] | null, text: string): (string | null)[] | null => {
  if (spans === null) return null;
  const starts = spans.filter((_, i) => i % 2 === 0);
  return starts.map((start, i) => (start < 0 ? null : text.slice(start, spans[i * 2 + 1])));
};

test("patterns match what PCRE2 matches, with its captures", () => {
  for (const [pattern, flags, text, expected] of regexCases) {
    const regex = new CompiledRegex(pattern, flags);
    const label = `/${pattern}/${flags} on ${JSON.stringify(text)}`;
    assert.equal(regex.test(text), expected !== null, label);
    assert.deepEqual(textsOf(regex.find(text), text), expected, label);
  }
});

test("each engine returns the same results", () => {
  let regular = 0;
  for (const [pattern, flags, text, expected] of regexCases) {
    const { root, captures } = parsePattern(pattern, flags);
    const program = compileProgram(root, captures)!;
    const isAnchored = startsAtTextStart(root);
    const label = `/${pattern}/${flags} on ${JSON.stringify(text)}`;
    assert.deepEqual(
      textsOf(searchBacktracking(program, text, { from: 0, isAnchored }), text),
      expected,
      label,
    );
    if (!program.isRegular) continue;
    regular += 1;
    assert.equal(new Automaton(program, isAnchored).test(text), expected !== null, label);
  }
  assert.ok(regular > 70, `${regular} by automaton`);
});

test("invalid and unsupported patterns are rejected with name and position", () => {
  for (const [pattern, message] of rejectedPatterns) {
    assert.throws(() => new CompiledRegex(pattern, ""), { code: 51091, message }, pattern.slice(0, 30));
  }
});

const took = (work: () => void): number => {
  const start = performance.now();
  work();
  return performance.now() - start;
};

test("patterns that make backtracking explode are matched in time that grows with the text", () => {
  const letters = "a".repeat(50_000);
  const patterns: readonly (readonly [string, string, boolean])[] = [
    ["^(a+)+$", `${letters}!`, false],
    ["^(a|a)*$", `${letters}!`, false],
    ["(a*)*b", letters, false],
    ["^(\\w+\\s?)*$", `${"word ".repeat(10_000)}!`, false],
    ["(.*)(.*)(.*)(.*)x", letters, false],
    ["a.*b.*c", `${letters}${letters}`, false],
    ["\\s+$", `${" ".repeat(50_000)}x`, false],
    ["^([a-z]+\\d*)+@", `${letters}@`, true],
    ["(x+x+)+y", "x".repeat(50_000), false],
    ["^(?:.?){100}z", letters.slice(0, 3_000), false],
  ];
  for (const [pattern, text, expected] of patterns) {
    const regex = new CompiledRegex(pattern, "");
    let result: boolean | undefined;
    const ms = took(() => {
      result = regex.test(text);
    });
    assert.equal(result, expected, pattern);
    assert.ok(ms < 2_000, `/${pattern}/ took ${ms} ms`);
    assert.equal(regex.find(text) !== null, expected, pattern);
  }
});

test("a match by backtracking fails after a number of steps, with the server's code", () => {
  for (const pattern of ["^(a+)+\\1$", "^(?=(a+)+$)", "(?:(?!b)a+)+$(?<!a)"]) {
    const regex = new CompiledRegex(pattern, "");
    const ms = took(() => assert.throws(() => regex.test(`${"a".repeat(2_000)}!`), { code: 51156 }));
    assert.ok(ms < 5_000, `/${pattern}/ took ${ms} ms`);
  }
});

test("long texts are matched by patterns of every kind", () => {
  const long = `${"ab ".repeat(1_000_000)}end`;
  for (const pattern of ["end$", "^(?:ab )*end$", "b.*end", "(?<!a)b|end", "(a|b| )*end"])
    assert.equal(new CompiledRegex(pattern, "").test(long), true, pattern);
  const shorter = `${"ab ".repeat(50_000)}end`;
  for (const pattern of ["(?>ab )+end", "((?!x).)*end", "^((?!end).)*$", "(?=.*b).*end", "(a)b.*\\1.*end"])
    assert.equal(new CompiledRegex(pattern, "").test(shorter), !pattern.startsWith("^"), pattern);
});
