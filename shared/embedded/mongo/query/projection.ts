import type { Collation } from "../bson/collation.ts";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { isNumber, toDouble } from "../bson/number.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileExpression, isTruthy } from "../expression/expression.ts";
import { Scope } from "../expression/scope.ts";
import { requireFieldPath } from "../fields/field-path.ts";
import { matched } from "../fields/path.ts";
import { compileMatch, elemMatchTest, matchedArrayIndex } from "./match.ts";
import type { Matcher } from "./matcher.ts";
import { addLeaf, applyNode, type ProjectionLeaf, type ProjectionNode } from "./projection-tree.ts";

export type Projection = (doc: BsonDocument) => BsonDocument;

export interface ProjectionOptions {
  readonly scope?: Scope | undefined;
  readonly collation?: Collation | undefined;
  /** `$`, `$slice: [skip, limit]` and `$elemMatch` are allowed in `find` only, not in `$project`. */
  readonly isFind: boolean;
}

type Mode = "inclusion" | "exclusion";

interface Parsing {
  readonly root: ProjectionNode;
  readonly options: ProjectionOptions & { readonly scope: Scope };
  readonly match: Matcher | undefined;
  mode: Mode | undefined;
  id: "include" | "exclude" | undefined;
  positional: string | undefined;
}

const isFlag = (value: BsonValue): boolean => typeof value === "boolean" || isNumber(value);

function requireMode(parsing: Parsing, mode: Mode, path: string): void {
  if (parsing.mode === undefined) parsing.mode = mode;
  else if (parsing.mode !== mode) {
    const [code, verb] = mode === "exclusion" ? [31254, "exclusion"] : [31253, "inclusion"];
    throw new CommandFault(code, `Cannot do ${verb} on field ${path} in ${parsing.mode} projection`);
  }
}

/** Computed fields imply an inclusion projection. */
function requireInclusion(parsing: Parsing): void {
  if (parsing.mode === "exclusion") {
    throw new CommandFault(31252, "Cannot use expression other than $meta in exclusion projection");
  }
  parsing.mode = "inclusion";
}

function addFlag(parsing: Parsing, path: string, keeps: boolean): void {
  if (path === "_id") parsing.id = keeps ? "include" : "exclude";
  else requireMode(parsing, keeps ? "inclusion" : "exclusion", path);
  addLeaf(parsing.root, path, { kind: keeps ? "include" : "exclude" });
}

function sliceArray(items: readonly BsonValue[], spec: BsonValue): BsonValue[] {
  const whole = (value: BsonValue | undefined): number => {
    if (isNumber(value)) return Math.trunc(toDouble(value));
    throw new CommandFault(28667, "$slice's arguments must be numbers");
  };
  if (!Array.isArray(spec)) {
    const count = whole(spec);
    return count < 0 ? items.slice(count) : items.slice(0, count);
  }
  if (spec.length !== 2) throw new CommandFault(28667, "Invalid $slice syntax: [skip, limit] was expected");
  const [skip, limit] = [whole(spec[0]), whole(spec[1])];
  if (limit <= 0)
    throw new CommandFault(28724, "First argument to $slice must be an array, but is of type: int");
  const start = skip < 0 ? Math.max(0, items.length + skip) : skip;
  return items.slice(start, start + limit);
}

function sliceLeaf(spec: BsonValue): ProjectionLeaf {
  sliceArray([], spec);
  return { kind: "reshape", reshape: (value) => (Array.isArray(value) ? sliceArray(value, spec) : value) };
}

function elemMatchLeaf(spec: BsonValue, parsing: Parsing): ProjectionLeaf {
  const { scope, collation } = parsing.options;
  const test = elemMatchTest(spec, { scope, ...(collation && { collation }) });
  return {
    kind: "reshape",
    reshape: (value) => (test(value) ? [(value as BsonValue[])[matched.index]!] : undefined),
  };
}

function addPositional(parsing: Parsing, path: string): void {
  const { match } = parsing;
  if (parsing.positional !== undefined)
    throw new CommandFault(31276, "Cannot specify more than one positional projection per query.");
  const field = path.slice(0, -2);
  parsing.positional = field;
  requireMode(parsing, "inclusion", path);
  const reshape = (value: BsonValue, root: BsonDocument): BsonValue => {
    if (!Array.isArray(value)) return value;
    const index = match && matchedArrayIndex(match, root);
    if (index === undefined || index >= value.length) {
      throw new CommandFault(
        51246,
        `Executor error during find command :: caused by :: positional operator '.$' couldn't find a matching element in the array`,
      );
    }
    return [value[index]!];
  };
  addLeaf(parsing.root, field, { kind: "reshape", reshape });
}

function addOperator(parsing: Parsing, path: string, spec: BsonDocument): void {
  const [operator] = spec.keys();
  const operand = spec.get(operator!)!;
  const { isFind, scope } = parsing.options;
  if (
    isFind &&
    operator === "$slice" &&
    !(Array.isArray(operand) && (operand.length === 3 || !isNumber(operand[0]!)))
  ) {
    addLeaf(parsing.root, path, sliceLeaf(operand));
    return;
  }
  if (operator === "$meta") throw unsupported("The projection $meta");
  requireInclusion(parsing);
  if (isFind && operator === "$elemMatch") addLeaf(parsing.root, path, elemMatchLeaf(operand, parsing));
  else addLeaf(parsing.root, path, { kind: "compute", expression: compileExpression(spec, scope) });
}

function addEntry(parsing: Parsing, path: string, value: BsonValue): void {
  const isPositional = path.endsWith(".$");
  if (isPositional && parsing.options.isFind) requireFieldPath(path.slice(0, -2));
  else requireFieldPath(path);
  if (isPositional) addPositional(parsing, path);
  else if (isFlag(value)) addFlag(parsing, path, isTruthy(value));
  else if (!isDocument(value)) addComputed(parsing, path, value);
  else if (value.size === 0) addEmpty(parsing, path, value);
  else if (value.keys().next().value!.startsWith("$")) {
    if (value.size > 1)
      throw new CommandFault(15983, `An object representing an expression must have exactly one field`);
    addOperator(parsing, path, value);
  } else for (const [name, inner] of value) addEntry(parsing, `${path}.${name}`, inner);
}

function addEmpty(parsing: Parsing, path: string, value: BsonDocument): void {
  if (!parsing.options.isFind)
    throw new CommandFault(51270, "An empty sub-projection is not a valid value. Found empty object at path");
  addComputed(parsing, path, value);
}

function addComputed(parsing: Parsing, path: string, value: BsonValue): void {
  requireInclusion(parsing);
  addLeaf(parsing.root, path, {
    kind: "compute",
    expression: compileExpression(value, parsing.options.scope),
  });
}

/** Without other fields, `_id` decides the kind of projection; `$slice` alone excludes nothing. */
function finalMode({ mode, id }: Parsing): Mode {
  return mode ?? (id === "include" ? "inclusion" : "exclusion");
}

function parse(spec: BsonDocument, options: ProjectionOptions, match: Matcher | undefined): Projection {
  const scope = options.scope ?? new Scope({ strings: options.collation });
  const root: ProjectionNode = { children: new Map() };
  const parsing: Parsing = {
    root,
    options: { ...options, scope },
    match,
    mode: undefined,
    id: undefined,
    positional: undefined,
  };
  for (const [path, value] of spec) addEntry(parsing, path, value);
  const mode = finalMode(parsing);
  if (mode === "inclusion" && !root.children.has("_id")) root.children.set("_id", { kind: "include" });
  return (doc) => applyNode(doc, root, { root: doc, keepsOthers: mode === "exclusion" });
}

/** The positional `$` returns the element that the query matched, so the query must be on the same field. */
function requireQueried(path: string, filter: BsonDocument): void {
  if (queriedFields(filter).has(path.split(".")[0]!)) return;
  throw new CommandFault(31277, `Positional projection '${path}' does not match the query document.`);
}

function queriedFields(filter: BsonDocument, into = new Set<string>()): Set<string> {
  for (const [name, value] of filter) {
    if (!name.startsWith("$")) into.add(name.split(".")[0]!);
    else if (Array.isArray(value))
      for (const branch of value) if (isDocument(branch)) queriedFields(branch, into);
  }
  return into;
}

/**
 * Compiles the projection of a `find`: inclusion or exclusion, `$slice`, `$elemMatch`, the positional `$` (by the
 * query's filter) and expressions.
 *
 * @throws CommandFault 31253 or 31254 if inclusion and exclusion are mixed, 31249 or 31250 if paths collide
 */
export function compileProjection(
  spec: BsonDocument,
  filter?: BsonDocument,
  options: Partial<ProjectionOptions> = {},
): Projection {
  const positional = [...spec.keys()].filter((path) => path.endsWith(".$"));
  for (const path of positional) requireQueried(path, filter ?? new Map());
  const { scope, collation } = options;
  const match =
    positional.length > 0
      ? compileMatch(filter ?? new Map(), { ...(scope && { scope }), ...(collation && { collation }) })
      : undefined;
  return parse(spec, { ...options, isFind: true }, match);
}

/** Compiles the specification of a `$project` stage. */
export function compileProjectStage(spec: BsonDocument, scope: Scope): Projection {
  if (spec.size === 0)
    throw new CommandFault(
      51272,
      "Invalid $project :: caused by :: projection specification must have at least one field",
    );
  return parse(spec, { scope, isFind: false }, undefined);
}
