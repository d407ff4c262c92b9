import { isNumber, toDouble } from "../../bson/number.ts";
import { type BsonDocument, type BsonValue, documentOf, isDocument } from "../../bson/values.ts";

export interface CountPipeline {
  readonly filter: BsonDocument;
  readonly skip: number;
  readonly limit: number;
  readonly id: BsonValue;
  /** The output field of the count. */
  readonly field: string;
}

/**
 * Recognises `[$match] [$skip] [$limit] $group: { _id: <constant>, <field>: { $sum: 1 } }`. Returns null for
 * anything else.
 */
export function countedBy(specs: readonly BsonValue[]): CountPipeline | null {
  let rest = specs;
  const take = (name: string): BsonValue | undefined => {
    const operand = isDocument(rest[0]) && rest[0].size === 1 ? rest[0].get(name) : undefined;
    if (operand !== undefined) rest = rest.slice(1);
    return operand;
  };
  const filter = take("$match") ?? documentOf({});
  const skip = take("$skip") ?? 0;
  const limit = take("$limit") ?? Number.POSITIVE_INFINITY;
  const group = take("$group");
  if (rest.length > 0 || !isDocument(filter) || !isDocument(group) || group.size !== 2) return null;
  const [[first, id], [field, sum]] = [...group] as [[string, BsonValue], [string, BsonValue]];
  const isConstant = id === null || typeof id === "number";
  if (first !== "_id" || !isConstant || !isDocument(sum) || sum.size !== 1 || sum.get("$sum") !== 1)
    return null;
  if (!isNumber(skip) || !isNumber(limit)) return null;
  return { filter, skip: toDouble(skip), limit: toDouble(limit), id, field };
}
