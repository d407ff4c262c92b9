import { CommandFault } from "../bson/fault.ts";
import { indexKey } from "../bson/key.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../bson/values.ts";
import { compileExpression } from "../expression/expression.ts";
import type { Accumulator } from "../expression/numeric-accumulators.ts";
import type { Expression } from "../expression/scope.ts";
import { StringClasses } from "../expression/string-classes.ts";
import { compileAccumulator, type GroupField } from "./accumulators.ts";
import type { PipelineEnvironment } from "./environment.ts";
import { flowOf, type Stage } from "./flow.ts";

export interface Grouping {
  readonly id: Expression;
  readonly fields: readonly (readonly [string, GroupField])[];
}

interface Group {
  readonly id: BsonValue;
  readonly states: readonly Accumulator[];
}

const SHARDS = 64;

/** Groups by key in the order in which they were first seen. One map of 200,000 keys would take 60 ms to grow. */
class Groups {
  readonly inOrder: Group[] = [];
  readonly #shards = Array.from({ length: SHARDS }, () => new Map<string, Group>());
  readonly #fields: Grouping["fields"];

  constructor(fields: Grouping["fields"]) {
    this.#fields = fields;
  }

  at(key: string, id: BsonValue): Group {
    let hash = 0;
    for (let i = 0; i < key.length; i++) hash = (hash * 31 + key.charCodeAt(i)) | 0;
    const shard = this.#shards[hash & (SHARDS - 1)]!;
    let group = shard.get(key);
    if (group === undefined) {
      group = { id, states: this.#fields.map(([, field]) => field.create()) };
      shard.set(key, group);
      this.inOrder.push(group);
    }
    return group;
  }
}

/** Compiles the accumulated fields of `$group` and `$bucket`. */
export function compileFields(spec: BsonDocument, env: PipelineEnvironment): [string, GroupField][] {
  return [...spec].map(([name, value]) => {
    if (name.includes(".")) throw new CommandFault(40235, `The field name '${name}' cannot contain '.'`);
    if (name.startsWith("$"))
      throw new CommandFault(40236, `The field name '${name}' cannot be an operator name`);
    if (!isDocument(value))
      throw new CommandFault(40234, `The field '${name}' must be an accumulator object`);
    if (value.size !== 1) throw new CommandFault(40238, `The field '${name}' must specify one accumulator`);
    const [operator, operand] = [...value][0]!;
    return [name, compileAccumulator(operator, operand, env.scope)];
  });
}

export function compileGroup(operand: BsonValue, env: PipelineEnvironment): Stage {
  if (!isDocument(operand)) throw new CommandFault(15947, "a group's fields must be specified in an object");
  if (!operand.has("_id")) throw new CommandFault(15955, "a group specification must include an _id");
  const fields = compileFields(new Map([...operand].filter(([name]) => name !== "_id")), env);
  return grouping({ id: compileExpression(operand.get("_id")!, env.scope), fields }, env);
}

/** Groups documents by the value of `id`, in the order of the first document of each group. */
export function grouping({ id, fields }: Grouping, env: PipelineEnvironment): Stage {
  return async function* (input) {
    const groups = new Groups(fields);
    const classes = env.collation && new StringClasses(env.collation);
    const ASCENDING = [1] as const;
    for await (const chunk of input) {
      for (const doc of chunk) {
        const value = id(doc) ?? null;
        const key = indexKey([classes ? classes.represent(value) : value], ASCENDING);
        const group = groups.at(key, value);
        for (let i = 0; i < fields.length; i++) group.states[i]!.add(fields[i]![1].input(doc));
      }
    }
    yield* flowOf(await results(groups, fields, env), env.pace);
  };
}

async function results(
  groups: Groups,
  fields: Grouping["fields"],
  { pace }: PipelineEnvironment,
): Promise<BsonDocument[]> {
  const docs: BsonDocument[] = [];
  for (const { id, states } of groups.inOrder) {
    const doc: BsonDocument = new Map([["_id", id]]);
    fields.forEach(([name], index) => {
      const value = states[index]!.result();
      if (value !== undefined) doc.set(name, value);
    });
    docs.push(doc);
    if (pace.isOver()) await pace.pause();
  }
  return docs;
}
