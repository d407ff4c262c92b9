import { CommandFault } from "../bson/fault.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import type { Expression } from "../expression/scope.ts";

/**
 * The action of a projection on one field: include or exclude it, compute it, reshape its array, or descend into
 * it.
 */
export type ProjectionLeaf =
  | { readonly kind: "include" }
  | { readonly kind: "exclude" }
  | { readonly kind: "compute"; readonly expression: Expression }
  /** Reshapes the existing value; undefined omits the field. */
  | {
      readonly kind: "reshape";
      readonly reshape: (value: BsonValue, root: BsonDocument) => BsonValue | undefined;
    };

export interface ProjectionNode {
  readonly children: Map<string, ProjectionNode | ProjectionLeaf>;
}

const isNode = (entry: ProjectionNode | ProjectionLeaf): entry is ProjectionNode => "children" in entry;

/** Adds a leaf at a dotted path. CommandFault 31249 or 31250 if paths collide. */
export function addLeaf(root: ProjectionNode, path: string, leaf: ProjectionLeaf): void {
  const parts = path.split(".");
  let node = root;
  for (let i = 0; i < parts.length - 1; i++) {
    const next = node.children.get(parts[i]!);
    if (next === undefined) {
      const fresh: ProjectionNode = { children: new Map() };
      node.children.set(parts[i]!, fresh);
      node = fresh;
    } else if (isNode(next)) node = next;
    else
      throw new CommandFault(
        31249,
        `Path collision at ${path} remaining portion ${parts.slice(i + 1).join(".")}`,
      );
  }
  const last = parts.at(-1)!;
  if (node.children.has(last)) throw new CommandFault(31250, `Path collision at ${path}`);
  node.children.set(last, leaf);
}

interface Projecting {
  readonly root: BsonDocument;
  /** Whether fields without an entry are kept. */
  readonly keepsOthers: boolean;
}

/** Applies a projection to a document: first its fields in their order, then computed ones. */
export function applyNode(doc: BsonDocument, node: ProjectionNode, projecting: Projecting): BsonDocument {
  const result: BsonDocument = new Map();
  for (const [name, value] of doc) {
    const entry = node.children.get(name);
    const next =
      entry === undefined
        ? projecting.keepsOthers
          ? value
          : undefined
        : applyEntry(value, entry, projecting);
    if (next !== undefined) result.set(name, next);
  }
  compute(node, result, projecting.root);
  return result;
}

function applyEntry(
  value: BsonValue,
  entry: ProjectionNode | ProjectionLeaf,
  projecting: Projecting,
): BsonValue | undefined {
  if (isNode(entry)) return applyBelow(value, entry, projecting);
  switch (entry.kind) {
    case "include":
      return value;
    case "exclude":
      return undefined;
    case "compute":
      // Computed fields follow the document's fields, in the order of the specification.
      return projecting.keepsOthers ? value : undefined;
    case "reshape":
      return entry.reshape(value, projecting.root);
  }
}

function applyBelow(value: BsonValue, node: ProjectionNode, projecting: Projecting): BsonValue | undefined {
  if (value instanceof Map) return applyNode(value, node, projecting);
  if (!Array.isArray(value)) return projecting.keepsOthers ? value : undefined;
  const items: BsonValue[] = [];
  for (const item of value) {
    const next = applyBelow(item, node, projecting);
    if (next !== undefined) items.push(next);
  }
  return items;
}

const hasComputed = (node: ProjectionNode): boolean => {
  for (const entry of node.children.values()) {
    if (isNode(entry) ? hasComputed(entry) : entry.kind === "compute") return true;
  }
  return false;
};

/** Sets the computed fields of a node on a projected document. */
function compute(node: ProjectionNode, into: BsonDocument, root: BsonDocument): void {
  for (const [name, entry] of node.children) {
    if (!isNode(entry)) {
      if (entry.kind === "compute") setOrDelete(into, name, entry.expression(root));
    } else if (!into.has(name) && hasComputed(entry)) {
      const fresh: BsonDocument = new Map();
      compute(entry, fresh, root);
      if (fresh.size > 0) into.set(name, fresh);
    } else if (hasComputed(entry)) into.set(name, computeBelow(into.get(name)!, entry, root));
  }
}

function computeBelow(value: BsonValue, node: ProjectionNode, root: BsonDocument): BsonValue {
  // `applyBelow` has computed fields inside documents and arrays; a scalar is replaced by a document.
  if (value instanceof Map || Array.isArray(value)) return value;
  const fresh: BsonDocument = new Map();
  compute(node, fresh, root);
  return fresh;
}

function setOrDelete(doc: BsonDocument, name: string, value: BsonValue | undefined): void {
  if (value === undefined) doc.delete(name);
  else doc.set(name, value);
}
