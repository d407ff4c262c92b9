import { arch, cpus, hostname, platform, release, type as systemType, totalmem } from "node:os";
import { CommandFault } from "../../bson/fault.ts";
import { BsonDate, type BsonDocument, BsonDouble, type BsonValue, documentOf } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { sizeOf } from "../catalog/listing.ts";
import { type CommandContext, type CommandTable, findCollection } from "../request/context.ts";

const double = (value: number): BsonDouble => new BsonDouble(value);
const empty = (): BsonDocument => documentOf({});

function hostInfo(): Reply {
  return replyOf({
    system: documentOf({
      currentTime: new BsonDate(Date.now()),
      hostname: hostname(),
      cpuAddrSize: 64,
      memSizeMB: BigInt(Math.round(totalmem() / 2 ** 20)),
      numCores: cpus().length,
      cpuArch: arch(),
      numaEnabled: false,
    }),
    os: documentOf({ type: systemType(), name: platform(), version: release() }),
    extra: empty(),
  });
}

/** Sizes of one collection, or of several together. */
function sizes(collections: readonly Collection[], scale: number): Record<string, BsonValue> {
  let [objects, data, index, indexes] = [0, 0, 0, 0];
  for (const collection of collections) {
    const size = sizeOf(collection);
    objects += collection.records.size;
    data += size.documents;
    index += size.indexes;
    indexes += collection.indexes.length;
  }
  return {
    objects: BigInt(objects),
    avgObjSize: double(objects === 0 ? 0 : data / objects),
    dataSize: double(data / scale),
    storageSize: double(data / scale),
    indexes: BigInt(indexes),
    indexSize: double(index / scale),
    totalSize: double((data + index) / scale),
    scaleFactor: BigInt(scale),
  };
}

function dbStats({ server, database, args }: CommandContext): Reply {
  const collections = server.engine.catalog.collectionsOf(database);
  return replyOf({
    db: database,
    collections: BigInt(collections.length),
    views: 0n,
    ...sizes(collections, args.number("scale", 1) || 1),
  });
}

function collStats(context: CommandContext): Reply {
  const name = context.args.collection();
  const scale = context.args.number("scale", 1) || 1;
  const collection = findCollection(context, name);
  const size = sizes(collection === undefined ? [] : [collection], scale);
  const indexSizes = empty();
  for (const index of collection?.indexes ?? [])
    indexSizes.set(index.name, Math.round((index.entries.size * 48) / scale));
  return replyOf({
    ns: `${context.database}.${name}`,
    size: size.dataSize,
    count: collection?.records.size ?? 0,
    avgObjSize: size.avgObjSize,
    storageSize: size.storageSize,
    capped: false,
    nindexes: collection?.indexes.length ?? 0,
    totalIndexSize: size.indexSize,
    totalSize: size.totalSize,
    indexSizes,
    scaleFactor: scale,
  });
}

function validate(context: CommandContext): Reply {
  const { args } = context;
  const name = args.collection();
  if (args.flag("background") && args.flag("full"))
    throw new CommandFault(
      72,
      "Running the validate command with both { background: true } and { full: true } is not supported.",
    );
  const collection = findCollection(context, name);
  if (collection === undefined)
    throw new CommandFault(26, `Collection '${context.database}.${name}' does not exist to validate.`);
  const keysPerIndex = empty();
  for (const index of collection.indexes) keysPerIndex.set(index.name, index.entries.size);
  return replyOf({
    ns: collection.namespace,
    nInvalidDocuments: 0,
    nrecords: collection.records.size,
    nIndexes: collection.indexes.length,
    keysPerIndex,
    valid: true,
    repaired: false,
    warnings: [],
    errors: [],
  });
}

function getLog({ args }: CommandContext): Reply {
  const wanted = args.command.get("getLog");
  if (wanted === "*") return replyOf({ names: ["global", "startupWarnings"] });
  return replyOf({ totalLinesWritten: 0, log: [] });
}

const connectionStatus = (): Reply =>
  replyOf({
    authInfo: documentOf({
      authenticatedUsers: [],
      authenticatedUserRoles: [],
      authenticatedUserPrivileges: [],
    }),
  });

const commandLine = (): Reply => replyOf({ argv: ["embedded-mongo"], parsed: empty() });
const acknowledge = (): Reply => replyOf({});

export const diagnosticCommands: CommandTable = {
  hostInfo: { run: hostInfo },
  dbStats: { run: dbStats },
  dbstats: { run: dbStats },
  collStats: { run: collStats },
  collstats: { run: collStats },
  validate: { run: validate },
  getLog: { run: getLog, adminOnly: true },
  getCmdLineOpts: { run: commandLine, adminOnly: true },
  connectionStatus: { run: connectionStatus },
  killOp: { run: acknowledge, adminOnly: true },
};
