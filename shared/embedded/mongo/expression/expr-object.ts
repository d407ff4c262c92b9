import { encodedLength } from "../bson/encode.ts";
import { CommandFault } from "../bson/fault.ts";
import { isNumber } from "../bson/number.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { Binary, type BsonDocument, type BsonValue, doubleOf, isDocument } from "../bson/values.ts";
import {
  isNullish,
  type Maybe,
  namedArguments,
  type Operator,
  type OperatorContext,
  type OperatorTable,
  unary,
  variadic,
} from "./operator.ts";

function mergeObjects(values: Maybe[]): Maybe {
  const merged: BsonDocument = new Map();
  for (const value of values.flatMap((item) =>
    values.length === 1 && Array.isArray(item) ? item : [item],
  )) {
    if (isNullish(value)) continue;
    if (!isDocument(value))
      throw new CommandFault(
        40400,
        `$mergeObjects requires object inputs, but input is of type ${typeNameOf(value)}`,
      );
    for (const [name, field] of value) merged.set(name, field);
  }
  return merged;
}

/**
 * Returns the field name of `$getField` and related operators: a constant, which may contain dots and dollars.
 */
function fieldName(spec: BsonValue, context: OperatorContext, operator: string): string {
  const constant = isDocument(spec) && spec.has("$literal") ? spec.get("$literal")! : spec;
  if (typeof constant === "string" && (constant === "" || !constant.startsWith("$") || constant !== spec))
    return constant;
  if (isDocument(constant)) {
    const value = context.compile(constant, context.scope)(new Map());
    if (typeof value === "string") return value;
  }
  if (typeof constant === "string")
    throw new CommandFault(
      5654600,
      `A field path reference which is not allowed in this context. Did you mean {$literal: '${constant}'}?`,
    );
  throw new CommandFault(
    operator === "$getField" ? 5654602 : 4161107,
    `${operator} requires 'field' to evaluate to a constant string`,
  );
}

const getField: Operator = (operand, context) => {
  const isFull = isDocument(operand) && (operand.has("field") || operand.has("input"));
  const spec = isFull
    ? namedArguments(operand, {
        name: "$getField",
        required: ["field", "input"],
        codes: { shape: 3041701, unknown: 3041701, missing: 3041702 },
      })
    : new Map([["field", operand]]);
  const name = fieldName(spec.get("field")!, context, "$getField");
  const input = spec.has("input") ? context.compile(spec.get("input")!, context.scope) : undefined;
  return (root) => {
    const value = input ? input(root) : (root as BsonDocument);
    if (value === undefined) return undefined;
    if (isNullish(value)) return null;
    return isDocument(value) ? value.get(name) : undefined;
  };
};

function fieldSetter(operator: string, { isRemoval }: { isRemoval: boolean }): Operator {
  return (operand, context) => {
    const required = isRemoval ? ["field", "input"] : ["field", "input", "value"];
    const spec = namedArguments(operand, {
      name: operator,
      required,
      codes: { shape: 4161100, unknown: 4161101, missing: 4161102 },
    });
    const name = fieldName(spec.get("field")!, context, operator);
    const input = context.compile(spec.get("input")!, context.scope);
    const value = isRemoval ? () => undefined : context.compile(spec.get("value")!, context.scope);
    return (root) => {
      const target = input(root);
      if (isNullish(target)) return null;
      if (!isDocument(target))
        throw new CommandFault(4161105, `${operator} requires 'input' to evaluate to type Object`);
      const result = new Map(target);
      const replacement = value(root);
      if (replacement === undefined) result.delete(name);
      else result.set(name, replacement);
      return result;
    };
  };
}

/** Documents as values, types and literals. */
export const objectOperators: OperatorTable = {
  $literal: (operand) => () => operand,
  $mergeObjects: variadic("$mergeObjects", mergeObjects),
  $getField: getField,
  $setField: fieldSetter("$setField", { isRemoval: false }),
  $unsetField: fieldSetter("$unsetField", { isRemoval: true }),
  $type: unary("$type", (value) => typeNameOf(value)),
  $isNumber: unary("$isNumber", (value) => isNumber(value)),
  $rand: (operand) => {
    if ((isDocument(operand) && operand.size > 0) || (Array.isArray(operand) && operand.length > 0))
      throw new CommandFault(3040501, "$rand does not currently accept arguments");
    return () => doubleOf(Math.random());
  },
  $binarySize: unary("$binarySize", (value) => {
    if (isNullish(value)) return null;
    if (typeof value === "string") return Buffer.byteLength(value);
    if (value instanceof Binary) return value.bytes.length;
    throw new CommandFault(
      51276,
      `$binarySize requires a string or BinData argument, found: ${typeNameOf(value)}`,
    );
  }),
  $bsonSize: unary("$bsonSize", (value) => {
    if (isNullish(value)) return null;
    if (isDocument(value)) return encodedLength(value);
    throw new CommandFault(31393, `$bsonSize requires a document input, found: ${typeNameOf(value)}`);
  }),
};
