import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileExpression } from "../expression/expression.ts";
import type { Expression, Scope } from "../expression/scope.ts";
import { requireFieldPath } from "../fields/field-path.ts";

interface Assignment {
  readonly parts: readonly string[];
  readonly expression: Expression;
}

function collect(
  spec: BsonDocument,
  prefix: readonly string[],
  context: { scope: Scope; into: Assignment[] },
): void {
  for (const [name, value] of spec) {
    requireFieldPath(name);
    const parts = [...prefix, ...name.split(".")];
    const isNested = isDocument(value) && value.size > 0 && !value.keys().next().value!.startsWith("$");
    if (isNested) collect(value, parts, context);
    else context.into.push({ parts, expression: compileExpression(value, context.scope) });
  }
}

function checkCollisions(assignments: readonly Assignment[]): void {
  const paths = assignments.map(({ parts }) => parts.join(".")).sort();
  for (let i = 1; i < paths.length; i++) {
    const [a, b] = [paths[i - 1]!, paths[i]!];
    if (a === b) throw new CommandFault(31250, `Invalid $addFields :: caused by :: Path collision at ${b}`);
    if (b.startsWith(`${a}.`)) {
      throw new CommandFault(
        31249,
        `Invalid $addFields :: caused by :: Path collision at ${b} remaining portion ${b.slice(a.length + 1)}`,
      );
    }
  }
}

/** Sets a field inside documents and arrays of documents; scalars on the path are replaced by documents. */
export function withField(
  target: BsonValue | undefined,
  parts: readonly string[],
  value: BsonValue | undefined,
): BsonValue {
  if (Array.isArray(target)) return target.map((item) => withField(item, parts, value));
  const doc: BsonDocument = target instanceof Map ? new Map(target) : new Map();
  const [name, ...rest] = parts;
  if (rest.length > 0) {
    const inner = doc.get(name!);
    if (value !== undefined || inner !== undefined) doc.set(name!, withField(inner, rest, value));
  } else if (value === undefined) doc.delete(name!);
  else doc.set(name!, value);
  return doc;
}

/** Compiles `$addFields` (`$set`): every expression sees the input document. */
export function compileAddFields(spec: BsonDocument, scope: Scope): (doc: BsonDocument) => BsonDocument {
  const assignments: Assignment[] = [];
  collect(spec, [], { scope, into: assignments });
  checkCollisions(assignments);
  return (doc) => {
    const values = assignments.map(({ expression }) => expression(doc));
    let result: BsonDocument = new Map(doc);
    assignments.forEach(({ parts }, index) => {
      const value = values[index];
      if (parts.length > 1) result = withField(result, parts, value) as BsonDocument;
      else if (value === undefined) result.delete(parts[0]!);
      else result.set(parts[0]!, value);
    });
    return result;
  };
}
