import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import type { BsonDocument, BsonValue } from "../bson/values.ts";
import { changeAt, REMOVED } from "./update-path.ts";
import { isPositional } from "./update-positions.ts";

export interface Rename {
  readonly from: readonly string[];
  readonly to: readonly string[];
  apply(doc: BsonDocument): BsonDocument;
}

function partsOf(path: string, role: "source" | "destination"): string[] {
  const parts = path.split(".");
  if (parts.includes(""))
    throw new CommandFault(
      56,
      `The update path '${path}' contains an empty field name, which is not allowed.`,
    );
  if (parts.some(isPositional))
    throw new CommandFault(2, `The ${role} field for $rename may not be dynamic: ${path}`);
  return parts;
}

/** Returns the value to move; undefined if the field is missing. Arrays on the path are an error. */
function sourceValue(
  doc: BsonDocument,
  parts: readonly string[],
  role: "source" | "destination",
): BsonValue | undefined {
  let value: BsonValue | undefined = doc;
  for (const part of parts) {
    if (Array.isArray(value)) {
      throw new CommandFault(
        2,
        `The ${role} field cannot be an array element, '${parts.join(".")}' has an array on its path`,
      );
    }
    value = value instanceof Map ? value.get(part) : undefined;
  }
  return value;
}

function compileRename(from: readonly string[], to: readonly string[]): Rename {
  return {
    from,
    to,
    apply: (doc) => {
      const value = sourceValue(doc, from, "source");
      if (value === undefined) return doc;
      sourceValue(doc, to, "destination");
      const removed = changeAt(doc, from, { change: () => REMOVED, missing: "ignore" });
      return changeAt(removed, to, { change: () => value, missing: "create" });
    },
  };
}

/** Compiles `$rename: { from: "to" }`. */
export function compileRenames(fields: BsonDocument): Rename[] {
  return [...fields].map(([from, to]) => {
    if (typeof to !== "string")
      throw new CommandFault(2, `The 'to' field for $rename must be a string: ${from}: ${typeNameOf(to)}`);
    if (from === to)
      throw new CommandFault(2, `The source and target field for $rename must differ: ${from}: "${to}"`);
    if (from.startsWith(`${to}.`) || to.startsWith(`${from}.`))
      throw new CommandFault(
        2,
        `The source and target field for $rename must not be on the same path: ${from}: "${to}"`,
      );
    return compileRename(partsOf(from, "source"), partsOf(to, "destination"));
  });
}
