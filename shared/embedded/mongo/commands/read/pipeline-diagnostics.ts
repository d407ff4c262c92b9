import { hostname } from "node:os";
import { CommandFault } from "../../bson/fault.ts";
import {
  Binary,
  BsonDate,
  type BsonDocument,
  type BsonValue,
  documentOf,
  isDocument,
} from "../../bson/values.ts";
import { sizeOf } from "../catalog/listing.ts";
import { currentOperations } from "../diagnostics/current-op.ts";
import { type CommandContext, findCollection } from "../request/context.ts";

type Diagnostics = Readonly<Record<string, (operand: BsonValue) => BsonDocument[]>>;

/** The stages that return diagnostics of the server instead of documents. */
export function serverDiagnostics(context: CommandContext, collectionName: string | null): Diagnostics {
  const sessions = () => listSessions(context);
  return {
    $listLocalSessions: sessions,
    $listSessions: sessions,
    $currentOp: () => {
      if (context.database !== "admin" || collectionName !== null)
        throw new CommandFault(73, "$currentOp must be run against the 'admin' database with {aggregate: 1}");
      return currentOperations(context.server);
    },
    ...(collectionName !== null && {
      $collStats: (operand: BsonValue) => [collectionStats(context, collectionName, operand)],
      $indexStats: () => indexStats(context, collectionName),
    }),
  };
}

const listSessions = ({ server }: CommandContext): BsonDocument[] =>
  [...server.sessions.all()].map(({ key, lastUsed }) =>
    documentOf({
      _id: documentOf({ id: new Binary(Buffer.from(key, "latin1"), 4) }),
      lastUse: new BsonDate(lastUsed),
    }),
  );

function collectionStats(context: CommandContext, name: string, operand: BsonValue): BsonDocument {
  const collection = findCollection(context, name);
  if (collection === undefined) {
    throw new CommandFault(
      26,
      `Unable to retrieve storageStats in $collStats stage: Collection [${context.database}.${name}] not found.`,
    );
  }
  const requested = isDocument(operand) ? operand : documentOf({});
  const size = sizeOf(collection);
  const count = collection.records.size;
  const indexSizes = documentOf(
    Object.fromEntries(collection.indexes.map(({ name, entries }) => [name, entries.size * 48])),
  );
  return documentOf({
    ns: collection.namespace,
    host: hostname(),
    localTime: new BsonDate(Date.now()),
    storageStats: requested.has("storageStats")
      ? documentOf({
          size: size.documents,
          count,
          avgObjSize: count === 0 ? 0 : Math.round(size.documents / count),
          storageSize: size.documents,
          capped: false,
          nindexes: collection.indexes.length,
          totalIndexSize: size.indexes,
          totalSize: size.documents + size.indexes,
          indexSizes,
          scaleFactor: 1,
        })
      : undefined,
    count: requested.has("count") ? count : undefined,
  });
}

const indexStats = (context: CommandContext, name: string): BsonDocument[] =>
  (findCollection(context, name)?.indexes ?? []).map(({ name, definition, accesses: { ops, since } }) =>
    documentOf({
      name,
      key: definition.get("key"),
      host: hostname(),
      accesses: documentOf({ ops: BigInt(ops), since: new BsonDate(since) }),
      spec: definition,
    }),
  );
