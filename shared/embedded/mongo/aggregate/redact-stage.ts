import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { compileExpression } from "../expression/expression.ts";
import type { Expression } from "../expression/scope.ts";
import type { PipelineEnvironment } from "./environment.ts";
import { expanding, type Stage } from "./flow.ts";

function redactValue(value: BsonValue, decide: Expression): BsonValue | undefined {
  if (value instanceof Map) return redact(value, decide);
  if (!Array.isArray(value)) return value;
  return value.map((item) => redactValue(item, decide)).filter((item) => item !== undefined);
}

/** Keeps, drops or descends into one level of a document. */
function redact(doc: BsonDocument, decide: Expression): BsonDocument | undefined {
  const decision = decide(doc);
  if (decision === "keep") return doc;
  if (decision === "prune") return undefined;
  if (decision !== "descend")
    throw new CommandFault(17053, "$redact must return $$KEEP, $$DESCEND or $$PRUNE");
  const result: BsonDocument = new Map();
  for (const [name, value] of doc) {
    const next = redactValue(value, decide);
    if (next !== undefined) result.set(name, next);
  }
  return result;
}

/** `$redact`: fields in its expression are those of the current level; `$$ROOT` is the whole document. */
export function compileRedact(operand: BsonValue, { scope, pace }: PipelineEnvironment): Stage {
  const inner = scope.inner();
  const root = inner.declare("ROOT");
  for (const name of ["keep", "prune", "descend"]) inner.declare(name.toUpperCase(), name);
  const decide = compileExpression(operand, inner);
  return expanding((doc) => {
    root.value = doc;
    const result = redact(doc, decide);
    return result ? [result] : [];
  }, pace);
}
