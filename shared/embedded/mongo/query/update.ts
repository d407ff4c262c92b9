import { Scope } from "../aggregate/scope.ts";
import { compileUpdatePipeline } from "../aggregate/update-pipeline.ts";
import { compareValues } from "../bson/compare.ts";
import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import type { Collation } from "./collation.ts";
import { identical } from "./identical.ts";
import { ARRAY_OPERATORS } from "./update-arrays.ts";
import { type UpdateOperator, VALUE_OPERATORS } from "./update-operators.ts";
import { type Change, changeAt, comparePaths } from "./update-path.ts";
import {
  compileArrayFilters,
  type ElementTest,
  identifierPart,
  isPositional,
  resolvePath,
} from "./update-positions.ts";
import { compileRenames, type Rename } from "./update-rename.ts";

export { upsertSeed } from "./upsert.ts";

export interface UpdateOptions {
  readonly arrayFilters?: readonly BsonDocument[] | undefined;
  /** Variables of pipeline updates and of `$expr` in array filters. */
  readonly scope?: Scope | undefined;
  readonly collation?: Collation | undefined;
  readonly now?: (() => number) | undefined;
}

export interface UpdateTarget {
  /** True for the document that an upsert inserts. */
  readonly isInsert: boolean;
  /** The array position that the filter matched at, for the positional `$`. */
  readonly matchedIndex?: number | undefined;
}

/** Computes the updated document; `changed` is false where it would be stored as the same bytes. */
export type Update = (doc: BsonDocument, target: UpdateTarget) => { doc: BsonDocument; changed: boolean };

interface Modifier {
  readonly parts: readonly string[];
  readonly isPositional: boolean;
  readonly onlyOnInsert: boolean;
  /** Whether the operator makes missing containers. */
  readonly creates: boolean;
  readonly change: Change;
}

const OPERATORS: ReadonlyMap<string, UpdateOperator> = new Map(
  Object.entries({ ...VALUE_OPERATORS, ...ARRAY_OPERATORS }),
);
const NOT_CREATING = new Set(["$unset", "$pop", "$pull", "$pullAll"]);

const POINTER_FIELDS = new Set(["$ref", "$id", "$db"]);

function checkedPath(path: string): string[] {
  const parts = path.split(".");
  if (path === "") throw new CommandFault(56, "An empty update path is not valid.");
  if (parts.includes(""))
    throw new CommandFault(
      56,
      `The update path '${path}' contains an empty field name, which is not allowed.`,
    );
  if (isPositional(parts[0]!)) {
    throw new CommandFault(
      2,
      `Cannot have positional (i.e. '$') element in the first position in path '${path}'`,
    );
  }
  const dollar = parts.find(
    (part) => part.startsWith("$") && !isPositional(part) && !POINTER_FIELDS.has(part),
  );
  if (dollar !== undefined) throw dollarField(dollar, "an update path");
  return parts;
}

function modifier(operator: string, [path, operand]: [string, BsonValue], options: UpdateOptions): Modifier {
  const parts = checkedPath(path);
  const compile = OPERATORS.get(operator)!;
  const now = options.now ?? Date.now;
  return {
    parts,
    isPositional: parts.some(isPositional),
    onlyOnInsert: operator === "$setOnInsert",
    creates: !NOT_CREATING.has(operator),
    change: compile(operand, { path, now, ...(options.collation && { collation: options.collation }) }),
  };
}

function operandOf(operator: string, value: BsonValue): BsonDocument {
  if (isDocument(value)) return value;
  throw new CommandFault(
    9,
    `Modifiers operate on fields but we found type ${typeNameOf(value)} instead. For example: {$mod: {<field>: ...}} not {${operator}: ${typeNameOf(value)}}`,
  );
}

function checkConflicts(paths: readonly (readonly string[])[]): void {
  const sorted = [...paths].sort(comparePaths);
  for (let i = 1; i < sorted.length; i++) {
    const [shorter, longer] = [sorted[i - 1]!, sorted[i]!];
    if (shorter.length <= longer.length && shorter.every((part, at) => part === longer[at])) {
      throw new CommandFault(
        40,
        `Updating the path '${longer.join(".")}' would create a conflict at '${shorter.join(".")}'`,
      );
    }
  }
}

function checkIdentifiers(modifiers: readonly Modifier[], filters: ReadonlyMap<string, ElementTest>): void {
  const used = new Set<string>();
  for (const { parts } of modifiers) {
    for (const part of parts) {
      const identifier = identifierPart(part);
      if (identifier === undefined || identifier === "") continue;
      if (!filters.has(identifier))
        throw new CommandFault(
          2,
          `No array filter found for identifier '${identifier}' in path '${parts.join(".")}'`,
        );
      used.add(identifier);
    }
  }
  for (const name of filters.keys()) {
    if (!used.has(name))
      throw new CommandFault(9, `The array filter for identifier '${name}' was not used in the update`);
  }
}

interface Operators {
  readonly modifiers: readonly Modifier[];
  readonly renames: readonly Rename[];
  readonly filters: ReadonlyMap<string, ElementTest>;
}

function compileOperators(update: BsonDocument, options: UpdateOptions): Operators {
  const modifiers: Modifier[] = [];
  const renames: Rename[] = [];
  for (const [operator, value] of update) {
    if (operator === "$rename") renames.push(...compileRenames(operandOf(operator, value)));
    else if (OPERATORS.has(operator)) {
      for (const field of operandOf(operator, value)) modifiers.push(modifier(operator, field, options));
    } else {
      throw new CommandFault(
        9,
        `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
      );
    }
  }
  checkConflicts([...modifiers.map(({ parts }) => parts), ...renames.flatMap(({ from, to }) => [from, to])]);
  const { scope, collation } = options;
  const filters = compileArrayFilters(options.arrayFilters ?? [], {
    ...(scope && { scope }),
    ...(collation && { collation }),
  });
  checkIdentifiers(modifiers, filters);
  modifiers.sort((a, b) => comparePaths(a.parts, b.parts));
  return { modifiers, renames, filters };
}

function applyPositional(
  doc: BsonDocument,
  modifier: Modifier,
  { target, filters }: { target: UpdateTarget; filters: Operators["filters"] },
): BsonDocument {
  let result = doc;
  for (const parts of resolvePath(modifier.parts, { doc, filters, matchedIndex: target.matchedIndex })) {
    result = changeAt(result, parts, modifier);
  }
  return result;
}

function operatorUpdate(update: BsonDocument, options: UpdateOptions): Update {
  const { modifiers, renames, filters } = compileOperators(update, options);
  return (doc, target) => {
    let result = doc;
    for (const rename of renames) result = rename.apply(result);
    for (const modifier of modifiers) {
      if (modifier.onlyOnInsert && !target.isInsert) continue;
      result = modifier.isPositional
        ? applyPositional(result, modifier, { target, filters })
        : changeAt(result, modifier.parts, modifier);
    }
    checkId(doc, result);
    return { doc: result, changed: result !== doc };
  };
}

function checkId(before: BsonDocument, after: BsonDocument): void {
  const [old, next] = [before.get("_id"), after.get("_id")];
  if (old === next || old === undefined) return;
  if (next === undefined || compareValues(old, next) !== 0) {
    throw new CommandFault(
      66,
      "Performing an update on the path '_id' would modify the immutable field '_id'",
    );
  }
}

const dollarField = (name: string, context: string): CommandFault =>
  new CommandFault(
    52,
    `The dollar ($) prefixed field '${name}' in '${name}' is not allowed in the context of ${context}`,
  );

function checkReplacement(replacement: BsonDocument): void {
  for (const name of replacement.keys()) {
    if (name.startsWith("$"))
      throw dollarField(
        name,
        "an update's replacement document. Consider using an aggregation pipeline with $replaceWith.",
      );
  }
}

function replacementUpdate(replacement: BsonDocument): Update {
  checkReplacement(replacement);
  return (doc) => {
    const old = doc.get("_id");
    const given = replacement.get("_id");
    if (old !== undefined && given !== undefined && compareValues(old, given) !== 0) {
      throw new CommandFault(
        66,
        "After applying the update, the (immutable) field '_id' was found to have been altered to another value",
      );
    }
    const id = given ?? old;
    const result: BsonDocument =
      id === undefined ? new Map(replacement) : new Map([["_id", id], ...withoutId(replacement)]);
    return { doc: result, changed: !identical(doc, result) };
  };
}

const withoutId = (doc: BsonDocument): [string, BsonValue][] => [...doc].filter(([name]) => name !== "_id");

function pipelineUpdate(stages: readonly BsonValue[], options: UpdateOptions): Update {
  const apply = compileUpdatePipeline(stages, options.scope ?? new Scope());
  return (doc) => {
    const result = apply(doc);
    const old = doc.get("_id");
    const kept: BsonDocument =
      result.has("_id") || old === undefined ? result : new Map([["_id", old], ...result]);
    checkId(doc, kept);
    return { doc: kept, changed: !identical(doc, kept) };
  };
}

/**
 * Compiles an update: operators, a replacement document, or a pipeline.
 *
 * Everything that can be wrong without a document is reported here; the update itself throws CommandFault 28 for
 * paths through scalars, 14 and 2 for values an operator cannot work on, 66 where `_id` would change.
 */
export function compileUpdate(update: BsonValue, options: UpdateOptions = {}): Update {
  if (Array.isArray(update)) {
    if (options.arrayFilters?.length)
      throw new CommandFault(9, "arrayFilters may not be specified for pipeline-style updates");
    return pipelineUpdate(update, options);
  }
  if (!isDocument(update)) throw new CommandFault(9, "Update argument must be either an object or an array");
  const first = update.keys().next();
  if (!first.done && first.value.startsWith("$")) return operatorUpdate(update, options);
  if (options.arrayFilters?.length)
    throw new CommandFault(9, "arrayFilters may not be specified for replacement-style updates");
  return replacementUpdate(update);
}
