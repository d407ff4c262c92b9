import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileExpression } from "../expression/expression.ts";
import { valueAt } from "../fields/path.ts";
import type { MergeDecision, Namespace, PipelineEnvironment, PipelineWriter } from "./environment.ts";
import { gather, type Stage } from "./flow.ts";
import { compileUpdatePipeline } from "./update-pipeline.ts";

function writerOf(stage: string, env: PipelineEnvironment): PipelineWriter {
  if (env.writer) return env.writer;
  throw new CommandFault(263, `${stage} cannot be used here: nothing may be written`);
}

/** `$out`: replaces the documents of the target by those of the pipeline, all at once. */
export function compileOut(operand: BsonValue, env: PipelineEnvironment): Stage {
  if (isDocument(operand)) {
    for (const name of operand.keys())
      if (name !== "db" && name !== "coll")
        throw new CommandFault(40415, `BSON field '$out.${name}' is an unknown field.`);
  }
  const [db, collection] = isDocument(operand)
    ? [operand.get("db"), operand.get("coll")]
    : [env.namespace.db, operand];
  if (typeof db !== "string" || typeof collection !== "string") {
    throw new CommandFault(16990, "$out only supports a string or an object { db, coll } as its argument");
  }
  const writer = writerOf("$out", env);
  return async function* (input) {
    const docs = await gather(input);
    await writer.replaceAll({ db, collection }, docs);
    yield [];
  };
}

function mergeTarget(into: BsonValue | undefined, env: PipelineEnvironment): Namespace {
  if (typeof into === "string") return { db: env.namespace.db, collection: into };
  if (isDocument(into)) {
    const [db, collection] = [into.get("db") ?? env.namespace.db, into.get("coll")];
    if (typeof db === "string" && typeof collection === "string") return { db, collection };
  }
  throw new CommandFault(51178, "$merge 'into' field must be either a string or an object");
}

function mergeFields(on: BsonValue | undefined): string[] {
  if (on === undefined) return ["_id"];
  const fields = Array.isArray(on) ? on : [on];
  if (fields.length === 0)
    throw new CommandFault(51187, "If explicitly specifying $merge 'on', must include at least one field");
  return fields.map((field) => {
    if (typeof field === "string") return field;
    throw new CommandFault(51134, "$merge 'on' array elements must be strings");
  });
}

type Combine = (existing: BsonDocument, fresh: BsonDocument) => MergeDecision;

const withIdOf = (existing: BsonDocument, doc: BsonDocument): BsonDocument =>
  new Map([["_id", existing.get("_id")!], ...[...doc].filter(([name]) => name !== "_id")]);

const COMBINE: Readonly<Record<string, Combine>> = {
  replace: (existing, fresh) => ({ action: "replace", doc: withIdOf(existing, fresh) }),
  keepExisting: () => ({ action: "none" }),
  merge: (existing, fresh) => ({
    action: "replace",
    doc: withIdOf(existing, new Map([...existing, ...fresh])),
  }),
  fail: () => {
    throw new CommandFault(
      11000,
      "$merge could not insert a document because one with the same key exists, and whenMatched is 'fail'",
    );
  },
};

/** A pipeline in `whenMatched` can use the new document as `$$new`, and the variables of `let`. */
function pipelineCombine(
  stages: readonly BsonValue[],
  letSpec: BsonValue | undefined,
  env: PipelineEnvironment,
): Combine {
  const scope = env.scope.inner();
  const spec: BsonDocument = isDocument(letSpec) ? letSpec : new Map([["new", "$$ROOT"]]);
  const bindings = [...spec].map(([name, value]) => ({
    variable: scope.declare(name),
    value: compileExpression(value, env.scope),
  }));
  const apply = compileUpdatePipeline(stages, scope);
  return (existing, fresh) => {
    for (const { variable, value } of bindings) variable.value = value(fresh);
    return { action: "replace", doc: withIdOf(existing, apply(existing)) };
  };
}

function combineOf(spec: BsonDocument, env: PipelineEnvironment): Combine {
  const given = spec.get("whenMatched") ?? "merge";
  if (Array.isArray(given)) return pipelineCombine(given, spec.get("let"), env);
  if (spec.has("let"))
    throw new CommandFault(51199, "Cannot use 'let' variables with a 'whenMatched' that is no pipeline");
  const combine = typeof given === "string" && Object.hasOwn(COMBINE, given) ? COMBINE[given] : undefined;
  if (combine) return combine;
  throw new CommandFault(
    2,
    `Enumeration value '${String(given)}' for field 'whenMatched' is not a valid value.`,
  );
}

function unmatched(given: BsonValue | undefined, fresh: BsonDocument): MergeDecision {
  if (given === "discard") return { action: "none" };
  if (given === "fail")
    throw new CommandFault(
      13113,
      "$merge could not find a matching document in the target collection for at least one document in the source collection",
    );
  return { action: "insert", doc: fresh };
}

function keyOf(doc: BsonDocument, fields: readonly string[]): BsonDocument {
  return new Map(
    fields.map((field) => {
      const value = valueAt(doc, field.split("."));
      if (Array.isArray(value))
        throw new CommandFault(51132, `$merge write error: 'on' field '${field}' cannot be an array`);
      if (value === undefined || value === null)
        throw new CommandFault(
          51132,
          `$merge write error: 'on' field '${field}' cannot be missing, null, undefined or an array`,
        );
      return [field, value];
    }),
  );
}

const MERGE_FIELDS = new Set(["into", "on", "let", "whenMatched", "whenNotMatched"]);

/** `$merge`: each document is inserted, or combined with the one that has the same key. */
export function compileMerge(operand: BsonValue, env: PipelineEnvironment): Stage {
  const spec: BsonDocument = isDocument(operand) ? operand : new Map([["into", operand]]);
  for (const name of spec.keys())
    if (!MERGE_FIELDS.has(name))
      throw new CommandFault(40415, `BSON field '$merge.${name}' is an unknown field.`);
  const target = mergeTarget(spec.get("into"), env);
  const fields = mergeFields(spec.get("on"));
  const combine = combineOf(spec, env);
  const otherwise = spec.get("whenNotMatched") ?? "insert";
  if (otherwise !== "insert" && otherwise !== "discard" && otherwise !== "fail")
    throw new CommandFault(2, "Enumeration value for field 'whenNotMatched' is not a valid value.");
  const writer = writerOf("$merge", env);
  return async function* (input) {
    writer.requireUnique(target, fields);
    for (const fresh of await gather(input)) {
      const decide = (existing: BsonDocument | undefined) =>
        existing ? combine(existing, fresh) : unmatched(otherwise, fresh);
      const isNew = !fresh.has("_id") && fields.length === 1 && fields[0] === "_id";
      await writer.mergeOne(target, isNew ? new Map() : keyOf(fresh, fields), decide);
      if (env.pace.isOver()) await env.pace.pause();
    }
    yield [];
  };
}
