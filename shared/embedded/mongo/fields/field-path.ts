import { CommandFault } from "../bson/fault.ts";

/** The fields of a DBRef: names with a dollar that are not operators. */
export const POINTER_FIELDS: ReadonlySet<string> = new Set(["$ref", "$id", "$db"]);

/**
 * Checks a dotted path in a sort, a projection or a stage.
 *
 * @throws CommandFault 40352, 40353, 15998, 16410, 16411
 */
export function requireFieldPath(path: string): void {
  if (path === "") throw new CommandFault(40352, "FieldPath cannot be constructed with empty string");
  if (path.endsWith(".")) throw new CommandFault(40353, "FieldPath must not end with a '.'.");
  for (const part of path.split(".")) {
    if (part === "") throw new CommandFault(15998, "FieldPath field names may not be empty strings.");
    if (part.startsWith("$") && !POINTER_FIELDS.has(part))
      throw new CommandFault(
        16410,
        "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
      );
    if (part.includes("\0")) throw new CommandFault(16411, "FieldPath field names may not contain '\\0'.");
  }
}
