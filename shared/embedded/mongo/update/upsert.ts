import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument, Regex } from "../bson/values.ts";
import { isOperatorDocument } from "../query/field-operand.ts";
import { changeAt } from "./update-path.ts";

/** Returns the values that a field's condition requires by equality. */
function equalitiesOf(condition: BsonValue): BsonValue[] {
  if (condition instanceof Regex) return [];
  if (!isOperatorDocument(condition)) return [condition];
  const values: BsonValue[] = [];
  if (condition.has("$eq")) values.push(condition.get("$eq")!);
  const list = condition.get("$in");
  if (Array.isArray(list) && list.length === 1) values.push(list[0]!);
  const all = condition.get("$all");
  if (Array.isArray(all)) values.push(...all.filter((value) => !isOperatorDocument(value)));
  return values.filter((value) => !(value instanceof Regex));
}

function add(path: string, value: BsonValue, into: Map<string, BsonValue>): void {
  for (const known of into.keys()) {
    if (known === path || known.startsWith(`${path}.`) || path.startsWith(`${known}.`)) {
      throw new CommandFault(54, `cannot infer query fields to set, path '${path}' is matched twice`);
    }
  }
  into.set(path, value);
}

function collect(filter: BsonDocument, into: Map<string, BsonValue>): void {
  for (const [name, condition] of filter) {
    if (name === "$and" || (name === "$or" && Array.isArray(condition) && condition.length === 1)) {
      if (Array.isArray(condition)) for (const part of condition) if (isDocument(part)) collect(part, into);
    } else if (!name.startsWith("$")) {
      for (const value of equalitiesOf(condition)) add(name, value, into);
    }
  }
}

/**
 * Returns the initial document of an upsert: the fields that the filter requires by equality.
 *
 * @throws CommandFault 54 if the filter requires two values at one path
 */
export function upsertSeed(filter: BsonDocument): BsonDocument {
  const fields = new Map<string, BsonValue>();
  collect(filter, fields);
  let seed: BsonDocument = new Map();
  for (const [path, value] of fields)
    seed = changeAt(seed, path.split("."), { change: () => value, missing: "create" });
  return seed;
}
