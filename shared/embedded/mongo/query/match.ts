import { CommandFault, unsupported } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument, Regex } from "../bson/values.ts";
import { compileExpression, isTruthy } from "../expression/expression.ts";
import { Scope } from "../expression/scope.ts";
import type { Collation } from "./collation.ts";
import { POINTER_FIELDS } from "./field-path.ts";
import { compileFieldTests, isOperatorDocument } from "./match-field.ts";
import { anyValueAt, matched, type Path, parsePath } from "./path.ts";
import { comparisonTest } from "./predicate.ts";
import { regexTest } from "./regex.ts";

/** A compiled filter. */
export type Matcher = (doc: BsonDocument) => boolean;

export interface MatchOptions {
  /** Variables that `$expr` may use. */
  readonly scope?: Scope;
  readonly collation?: Collation;
  /** Where `$expr` may stand; default: anywhere. */
  readonly expr?: "at the top only" | "banned";
}

/** Operators on whole documents: they stand where a field's name stands. */
export const DOCUMENT_OPERATORS: ReadonlySet<string> = new Set([
  "$and",
  "$or",
  "$nor",
  "$expr",
  "$where",
  "$text",
  "$jsonSchema",
  "$comment",
  "$alwaysTrue",
  "$alwaysFalse",
]);

const UNSUPPORTED_TOP = new Set(["$where", "$text", "$jsonSchema"]);

function branches(operator: string, value: BsonValue, options: MatchOptions): Matcher[] {
  if (!Array.isArray(value)) throw new CommandFault(2, `${operator} must be an array`);
  if (value.length === 0) throw new CommandFault(2, "$and/$or/$nor must be a nonempty array");
  return value.map((branch) => {
    if (!isDocument(branch)) throw new CommandFault(2, "$or/$and/$nor entries need to be full objects");
    return compileMatch(branch, options);
  });
}

/** Negations must not leave a trace in the position that `$` means. */
export function negate(test: Matcher): Matcher {
  return (doc) => {
    const index = matched.index;
    const result = !test(doc);
    matched.index = index;
    return result;
  };
}

function expressionMatcher(value: BsonValue, options: MatchOptions): Matcher {
  if (options.expr === "banned") throw new CommandFault(224, "$expr is not allowed in this context");
  if (options.expr === "at the top only")
    throw new CommandFault(2, "$expr can only be applied to the top-level document");
  const scope = options.scope ?? new Scope({ strings: options.collation });
  const expression = compileExpression(value, scope);
  return (doc) => isTruthy(expression(doc));
}

function topLevelOperator(operator: string, value: BsonValue, options: MatchOptions): Matcher | undefined {
  switch (operator) {
    case "$and":
      return all(branches(operator, value, options));
    case "$or": {
      const tests = branches(operator, value, options);
      return (doc) => tests.some((test) => test(doc));
    }
    case "$nor": {
      const tests = branches(operator, value, options);
      return negate((doc) => tests.some((test) => test(doc)));
    }
    case "$expr":
      return expressionMatcher(value, options);
    case "$comment":
      return undefined;
    case "$alwaysTrue":
      return () => true;
    case "$alwaysFalse":
      return () => false;
  }
  if (UNSUPPORTED_TOP.has(operator)) throw unsupported(`The query operator ${operator}`);
  throw new CommandFault(
    2,
    `unknown top level operator: ${operator}. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.`,
  );
}

function all(tests: readonly Matcher[]): Matcher {
  if (tests.length === 0) return () => true;
  if (tests.length === 1) return tests[0]!;
  return (doc) => {
    for (const test of tests) if (!test(doc)) return false;
    return true;
  };
}

function fieldMatcher(path: Path, value: BsonValue, options: MatchOptions): Matcher {
  if (isOperatorDocument(value)) return all(compileFieldTests(path, value, options));
  const test =
    value instanceof Regex
      ? regexTest(value.pattern, value.flags)
      : comparisonTest("$eq", value, options.collation);
  return (doc) => anyValueAt(doc, path, true, test);
}

/**
 * Compiles a filter to a test of documents.
 *
 * Everything wrong in the filter is reported here, whether or not there are documents: CommandFault 2 (BadValue)
 * for unknown operators and operands of a wrong shape, 115 for operators that only a real server has.
 */
export function compileMatch(filter: BsonDocument, options: MatchOptions = {}): Matcher {
  const tests: Matcher[] = [];
  for (const [name, value] of filter) {
    const test =
      name.startsWith("$") && !POINTER_FIELDS.has(name)
        ? topLevelOperator(name, value, options)
        : fieldMatcher(parsePath(name), value, options);
    if (test) tests.push(test);
  }
  return all(tests);
}

/** The array position at which a filter matched a document, which is what `$` means in updates and projections. */
export function matchedArrayIndex(match: Matcher, doc: BsonDocument): number | undefined {
  matched.index = -1;
  return match(doc) && matched.index >= 0 ? matched.index : undefined;
}
