import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { ARRAY_OPERATORS } from "./update-arrays.ts";
import { type UpdateOperator, VALUE_OPERATORS } from "./update-operators.ts";
import type { UpdateOptions } from "./update-options.ts";
import { type Change, comparePaths, type MissingPath } from "./update-path.ts";
import { compileArrayFilters, type ElementTest, identifierPart, isPositional } from "./update-positions.ts";
import { compileRenames, type Rename } from "./update-rename.ts";

/** The change of one operator to one field. */
export interface Modifier {
  readonly parts: readonly string[];
  readonly isPositional: boolean;
  readonly onlyOnInsert: boolean;
  readonly missing: MissingPath;
  readonly change: Change;
}

const OPERATORS: ReadonlyMap<string, UpdateOperator> = new Map(
  Object.entries({ ...VALUE_OPERATORS, ...ARRAY_OPERATORS }),
);
const MISSING_PATHS: Readonly<Record<string, MissingPath>> = {
  $unset: "ignore",
  $pull: "ignore",
  $pullAll: "ignore",
  $pop: "require viable",
};

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
  if (parts.filter((part) => part === "$").length > 1)
    throw new CommandFault(2, `Too many positional (i.e. '$') elements found in path '${path}'`);
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
    missing: MISSING_PATHS[operator] ?? "create",
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

/** The compiled fields of an update, in the order in which they are applied. */
export interface Operators {
  readonly modifiers: readonly Modifier[];
  readonly renames: readonly Rename[];
  readonly filters: ReadonlyMap<string, ElementTest>;
}

/** Compiles an update with operators. CommandFault 40 if two of its paths conflict. */
export function compileOperators(update: BsonDocument, options: UpdateOptions): Operators {
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
