import {
  type BsonDocument,
  BsonUndefined,
  type BsonValue,
  documentOf,
  isDocument,
  Regex,
} from "../bson/values.ts";
import { compileExpression } from "../expression/expression.ts";
import type { Expression, Scope } from "../expression/scope.ts";

/**
 * Conditions that every document must satisfy to pass the first stage of a pipeline; an index may serve them.
 */
export interface Narrowing {
  /** Conditions that are the same for every run of the pipeline; empty if none. */
  readonly constant: BsonDocument;
  /** True if there are also conditions on values of variables. */
  readonly isByVariables: boolean;
  /** All conditions, with the current values of the variables. */
  filter(): BsonDocument;
}

interface Equality {
  readonly path: string;
  readonly value: Expression;
}

interface Collected {
  readonly constants: BsonDocument[];
  readonly equalities: Equality[];
}

const NO_ROOT: BsonDocument = documentOf({});

/** Extracts the conditions from a valid pipeline that may use the variables of `scope`. */
export function narrowingOf([first]: readonly BsonValue[], scope: Scope): Narrowing {
  const match = isDocument(first) ? first.get("$match") : undefined;
  const collected: Collected = { constants: [], equalities: [] };
  if (isDocument(match)) collect(match, scope, collected);
  const { constants, equalities } = collected;
  const all = (conditions: BsonDocument[]) =>
    conditions.length === 0 ? NO_ROOT : documentOf({ $and: conditions });
  return {
    constant: all(constants),
    isByVariables: equalities.length > 0,
    filter: () => all([...constants, ...equalities.flatMap(conditionOf)]),
  };
}

function collect(filter: BsonDocument, scope: Scope, into: Collected): void {
  for (const [name, condition] of filter) {
    if (name === "$expr") collectEqualities(condition, scope, into);
    else if (name === "$and" && Array.isArray(condition)) {
      for (const part of condition) if (isDocument(part)) collect(part, scope, into);
    } else if (!name.startsWith("$")) into.constants.push(new Map([[name, condition]]));
  }
}

/** `{ $eq: ["$path", <variable or constant>] }`, alone or in an `$and`. */
function collectEqualities(expression: BsonValue, scope: Scope, into: Collected): void {
  if (!isDocument(expression) || expression.size !== 1) return;
  const [[operator, operands]] = [...expression] as [[string, BsonValue]];
  if (!Array.isArray(operands)) return;
  if (operator === "$and") for (const part of operands) collectEqualities(part, scope, into);
  if (operator !== "$eq" || operands.length !== 2) return;
  for (const [field, other] of [operands, operands.toReversed()] as [BsonValue, BsonValue][]) {
    if (!isFieldPath(field) || !isIndependent(other)) continue;
    into.equalities.push({ path: field.slice(1), value: compileExpression(other, scope) });
    return;
  }
}

const isFieldPath = (value: BsonValue): value is string => typeof value === "string" && /^\$[^$]/.test(value);

/** Does not depend on the document that is matched. */
const isIndependent = (value: BsonValue): boolean => {
  if (typeof value === "string") return !value.startsWith("$") || /^\$\$(?!ROOT|CURRENT|REMOVE)/.test(value);
  return !Array.isArray(value) && !isDocument(value);
};

/**
 * For values other than arrays, patterns and missing ones, a filter matches everything that an expression
 * considers equal, and more. These three have another meaning in a filter.
 */
function conditionOf({ path, value }: Equality): BsonDocument[] {
  const wanted = value(NO_ROOT);
  const isSearchable =
    wanted !== undefined &&
    !(wanted instanceof BsonUndefined) &&
    !(wanted instanceof Regex) &&
    !Array.isArray(wanted);
  return isSearchable ? [new Map([[path, documentOf({ $eq: wanted })]])] : [];
}
