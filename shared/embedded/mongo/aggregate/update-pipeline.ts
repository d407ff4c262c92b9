import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import type { Scope } from "../expression/scope.ts";
import { compileTransform, type Transform } from "./document-stages.ts";
import { isUpdateForbidden } from "./stage-names.ts";

/** The name and the operand of a stage. */
export function stageOf(stage: BsonValue): readonly [string, BsonValue] {
  if (!isDocument(stage))
    throw new CommandFault(14, "Each element of the 'pipeline' array must be an object");
  if (stage.size !== 1)
    throw new CommandFault(40323, "A pipeline stage specification object must contain exactly one field.");
  return [...stage][0]!;
}

/** Compiles the stages of an update, which map documents one by one. */
export function compileUpdatePipeline(stages: readonly BsonValue[], scope: Scope): Transform {
  const transforms = stages.map((stage) => {
    const [name, operand] = stageOf(stage);
    const transform = compileTransform(name, operand, scope);
    if (transform) return transform;
    if (isUpdateForbidden(name))
      throw new CommandFault(72, `${name} is not allowed to be used within an update`);
    throw new CommandFault(40324, `Unrecognized pipeline stage name: '${name}'`);
  });
  return (doc: BsonDocument) => transforms.reduce((result, transform) => transform(result), doc);
}
