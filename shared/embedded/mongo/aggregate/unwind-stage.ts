import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { withField } from "./add-fields.ts";
import type { PipelineEnvironment } from "./environment.ts";
import { expanding, type Stage } from "./flow.ts";

interface Unwind {
  readonly path: readonly string[];
  readonly indexField: readonly string[] | undefined;
  readonly keepsEmpty: boolean;
}

function parse(operand: BsonValue): Unwind {
  const spec: BsonDocument = isDocument(operand) ? operand : new Map([["path", operand]]);
  for (const name of spec.keys()) {
    if (name !== "path" && name !== "includeArrayIndex" && name !== "preserveNullAndEmptyArrays")
      throw new CommandFault(28811, `unrecognized option to $unwind stage: ${name}`);
  }
  const path = spec.get("path");
  if (path === undefined) throw new CommandFault(28812, "no path specified to $unwind stage");
  if (typeof path !== "string")
    throw new CommandFault(
      isDocument(operand) ? 28808 : 15981,
      "expected a string as the path for $unwind stage",
    );
  if (!path.startsWith("$") || path.length < 2)
    throw new CommandFault(28818, `path option to $unwind stage should be prefixed with a '$': ${path}`);
  const index = spec.get("includeArrayIndex");
  if (index !== undefined && (typeof index !== "string" || index === ""))
    throw new CommandFault(
      28810,
      "expected a non-empty string for the includeArrayIndex option to $unwind stage",
    );
  if (typeof index === "string" && index.startsWith("$"))
    throw new CommandFault(
      28822,
      `includeArrayIndex option to $unwind stage should not be prefixed with a '$': ${index}`,
    );
  const keeps = spec.get("preserveNullAndEmptyArrays") ?? false;
  if (typeof keeps !== "boolean")
    throw new CommandFault(
      28809,
      "expected a boolean for the preserveNullAndEmptyArrays option to $unwind stage",
    );
  return { path: path.slice(1).split("."), indexField: index?.split("."), keepsEmpty: keeps };
}

/** Returns the value at a path through documents only, not through arrays. */
function plainValue(doc: BsonDocument, path: readonly string[]): BsonValue | undefined {
  let value: BsonValue | undefined = doc;
  for (const part of path) value = value instanceof Map ? value.get(part) : undefined;
  return value;
}

/** `$unwind`: one document for each element of an array. */
export function compileUnwind(operand: BsonValue, { pace }: PipelineEnvironment): Stage {
  const { path, indexField, keepsEmpty } = parse(operand);
  const withIndex = (doc: BsonDocument, index: BsonValue): BsonDocument =>
    indexField ? (withField(doc, indexField, index) as BsonDocument) : doc;
  return expanding((doc) => {
    const value = plainValue(doc, path);
    if (Array.isArray(value) && value.length > 0) {
      return value.map((item, index) => withIndex(withField(doc, path, item) as BsonDocument, BigInt(index)));
    }
    if (value === undefined || value === null || Array.isArray(value)) {
      if (!keepsEmpty) return [];
      return [
        withIndex(Array.isArray(value) ? (withField(doc, path, undefined) as BsonDocument) : doc, null),
      ];
    }
    return [withIndex(doc, null)];
  }, pace);
}
