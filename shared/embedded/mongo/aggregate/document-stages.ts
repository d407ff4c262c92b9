import { CommandFault } from "../bson/fault.ts";
import { typeNameOf } from "../bson/type-names.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileExpression } from "../expression/expression.ts";
import type { Scope } from "../expression/scope.ts";
import { compileProjectStage } from "../query/projection.ts";
import { compileAddFields } from "./add-fields.ts";

/** A stage that maps one document to one document. */
export type Transform = (doc: BsonDocument) => BsonDocument;
type TransformCompiler = (operand: BsonValue, scope: Scope) => Transform;

function documentOperand(stage: string, operand: BsonValue, code: number): BsonDocument {
  if (isDocument(operand)) return operand;
  throw new CommandFault(code, `${stage} specification stage must be an object, got ${typeNameOf(operand)}`);
}

const addFields =
  (stage: string): TransformCompiler =>
  (operand, scope) =>
    compileAddFields(documentOperand(stage, operand, 40272), scope);

const project: TransformCompiler = (operand, scope) =>
  compileProjectStage(documentOperand("$project", operand, 15969), scope);

const unset: TransformCompiler = (operand, scope) => {
  const names = Array.isArray(operand) ? operand : [operand];
  if (names.length === 0)
    throw new CommandFault(
      31119,
      "$unset specification must be a string or an array with at least one field",
    );
  const spec: BsonDocument = new Map();
  for (const name of names) {
    if (typeof name !== "string")
      throw new CommandFault(
        Array.isArray(operand) ? 31120 : 31002,
        "$unset specification must be a string or an array containing only string values",
      );
    spec.set(name, 0);
  }
  return compileProjectStage(spec, scope);
};

function replaceWith(spec: BsonValue, scope: Scope): Transform {
  const expression = compileExpression(spec, scope);
  return (doc) => {
    const result = expression(doc);
    if (isDocument(result)) return result;
    throw new CommandFault(
      40228,
      `'newRoot' expression must evaluate to an object, but resulting value was of type: '${typeNameOf(result)}'`,
    );
  };
}

const replaceRoot: TransformCompiler = (operand, scope) => {
  if (!isDocument(operand))
    throw new CommandFault(
      40229,
      `expected an object as specification for $replaceRoot stage, got ${typeNameOf(operand)}`,
    );
  for (const name of operand.keys()) {
    if (name !== "newRoot")
      throw new CommandFault(40415, `BSON field '$replaceRoot.${name}' is an unknown field.`);
  }
  if (!operand.has("newRoot"))
    throw new CommandFault(40414, "BSON field '$replaceRoot.newRoot' is missing but a required field");
  return replaceWith(operand.get("newRoot")!, scope);
};

const TRANSFORMS: Readonly<Record<string, TransformCompiler>> = {
  $set: addFields("$set"),
  $addFields: addFields("$addFields"),
  $project: project,
  $unset: unset,
  $replaceRoot: replaceRoot,
  $replaceWith: replaceWith,
};

/** Compiles a stage that maps documents one by one; undefined for other stages. */
export const compileTransform = (stage: string, operand: BsonValue, scope: Scope): Transform | undefined =>
  Object.hasOwn(TRANSFORMS, stage) ? TRANSFORMS[stage]!(operand, scope) : undefined;
