import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument, Regex } from "../bson/values.ts";
import { isOperatorDocument } from "./match-field.ts";
import { changeAt } from "./update-path.ts";

/** The value that one field's condition demands by equality; undefined when it demands none. */
function equalityOf(condition: BsonValue): BsonValue | undefined {
  if (condition instanceof Regex) return undefined;
  if (!isOperatorDocument(condition)) return condition;
  if (condition.has("$eq")) return condition.get("$eq");
  const list = condition.get("$in");
  if (Array.isArray(list) && list.length === 1 && !(list[0] instanceof Regex)) return list[0];
  const all = condition.get("$all");
  if (Array.isArray(all) && all.length === 1 && !isOperatorDocument(all[0]!) && !(all[0] instanceof Regex))
    return all[0];
  return undefined;
}

function collect(filter: BsonDocument, into: Map<string, BsonValue>): void {
  for (const [name, condition] of filter) {
    if (name === "$and" || (name === "$or" && Array.isArray(condition) && condition.length === 1)) {
      if (Array.isArray(condition)) for (const part of condition) if (isDocument(part)) collect(part, into);
    } else if (!name.startsWith("$")) {
      const value = equalityOf(condition);
      if (value === undefined) continue;
      for (const known of into.keys()) {
        if (known === name || known.startsWith(`${name}.`) || name.startsWith(`${known}.`)) {
          throw new CommandFault(54, `cannot infer query fields to set, path '${name}' is matched twice`);
        }
      }
      into.set(name, value);
    }
  }
}

/**
 * The document that an upsert begins with: the fields that the filter demands by equality.
 *
 * @throws CommandFault 54 where the filter demands one path twice
 */
export function upsertSeed(filter: BsonDocument): BsonDocument {
  const fields = new Map<string, BsonValue>();
  collect(filter, fields);
  let seed: BsonDocument = new Map();
  for (const [path, value] of fields)
    seed = changeAt(seed, path.split("."), { change: () => value, creates: true });
  return seed;
}
