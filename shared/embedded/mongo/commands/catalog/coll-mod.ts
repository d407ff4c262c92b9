import { CommandFault, unsupported } from "../../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf } from "../../bson/values.ts";
import { catalogChange } from "../../engine/catalog.ts";
import type { Collection } from "../../engine/collection.ts";
import type { CollectionIndex } from "../../engine/collection-index.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { type Arguments, numberOf } from "../request/arguments.ts";
import type { CommandContext, CommandTable } from "../request/context.ts";
import { fields } from "../request/known-fields.ts";
import { refuseImages, validationOptions, viewOptions } from "./collection-options.ts";
import { indexDefinition } from "./index-definition.ts";
import { namedIndex } from "./indexes.ts";
import { requireViewPipeline } from "./views.ts";

const INDEX_FIELDS = fields("name keyPattern expireAfterSeconds hidden unique prepareUnique");
const REFUSED = ["expireAfterSeconds", "timeseries", "cappedSize", "cappedMax"];

/** Changes a collection's validator, one of its indexes, or the definition of a view. */
async function collMod(context: CommandContext): Promise<Reply> {
  const { args, server, database } = context;
  const name = args.collection();
  const collection = server.engine.catalog.find(database, name);
  if (collection === undefined) throw new CommandFault(26, `ns does not exist: ${database}.${name}`);
  refuseImages(args);
  for (const option of REFUSED)
    if (args.value(option) !== undefined) throw unsupported(`The collMod option '${option}'`);
  if (collection.view !== null) return changeView(context, collection);
  if (args.value("viewOn") !== undefined || args.value("pipeline") !== undefined)
    throw new CommandFault(72, `option not supported on a collection: viewOn or pipeline`);
  const change = args.value("index") === undefined ? null : indexChange(collection, args.inner("index"));
  const validation = documentOf(validationOptions(args, collection.options));
  if (args.flag("dryRun")) return replyOf({});
  if (validation.size > 0) {
    await setOptions(context, collection, new Map([...collection.options, ...validation]));
  }
  return replyOf(change === null ? {} : await changeIndex(context, collection, change));
}

async function changeView(context: CommandContext, view: Collection): Promise<Reply> {
  const { args } = context;
  if (args.value("viewOn") === undefined || args.value("pipeline") === undefined)
    throw new CommandFault(72, "Must specify both 'viewOn' and 'pipeline' when modifying a view");
  const options = viewOptions(args, view.options.get("collation"));
  requireViewPipeline(context, view.name, options);
  await setOptions(context, view, options);
  return replyOf({});
}

async function setOptions(
  { server: { engine } }: CommandContext,
  collection: Collection,
  options: BsonDocument,
): Promise<void> {
  engine.requireWritableStore();
  await engine.waitForWriters(collection);
  const before = collection.options;
  collection.setOptions(options);
  await engine.append([catalogChange.options(collection)], () => collection.setOptions(before));
}

interface IndexChange {
  readonly index: CollectionIndex;
  readonly definition: BsonDocument;
  readonly reply: Record<string, BsonValue | undefined>;
}

function indexChange(collection: Collection, change: Arguments): IndexChange {
  change.requireKnown(INDEX_FIELDS);
  const index = namedIndex(collection, change.value("name") ?? change.value("keyPattern") ?? "");
  for (const option of ["unique", "prepareUnique"])
    if (change.value(option) !== undefined) throw unsupported(`The collMod option 'index.${option}'`);
  const spec: BsonDocument = new Map(index.definition);
  let reply: IndexChange["reply"] = {};
  if (change.value("expireAfterSeconds") !== undefined) {
    spec.set("expireAfterSeconds", change.number("expireAfterSeconds", 0));
    reply = {
      expireAfterSeconds_old: numberOf(index.definition.get("expireAfterSeconds")) ?? undefined,
      expireAfterSeconds_new: BigInt(Math.trunc(change.number("expireAfterSeconds", 0))),
    };
  }
  if (change.value("hidden") !== undefined) {
    if (index === collection.idIndex) throw new CommandFault(2, "can't hide _id index");
    spec.set("hidden", change.flag("hidden"));
    if (change.flag("hidden") !== index.isHidden)
      reply = { ...reply, hidden_old: index.isHidden, hidden_new: change.flag("hidden") };
  }
  if (change.value("expireAfterSeconds") === undefined && change.value("hidden") === undefined)
    throw new CommandFault(72, "no expireAfterSeconds, hidden, unique, or prepareUnique field");
  return { index, definition: indexDefinition(spec, undefined), reply };
}

async function changeIndex(
  { server: { engine } }: CommandContext,
  collection: Collection,
  { index, definition, reply }: IndexChange,
): Promise<IndexChange["reply"]> {
  await engine.waitForWriters(collection);
  const changed = index.withDefinition(definition);
  const replace = (old: CollectionIndex, by: CollectionIndex) => {
    collection.indexes = collection.indexes.map((other) => (other === old ? by : other));
  };
  replace(index, changed);
  await engine.append([catalogChange.index(collection, changed)], () => replace(changed, index));
  return reply;
}

export const collModCommands: CommandTable = {
  collMod: { run: collMod, isWrite: true },
};
