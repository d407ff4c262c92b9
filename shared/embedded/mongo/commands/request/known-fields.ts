import type { Arguments } from "./arguments.ts";

/** Fields that every command accepts. */
const GENERIC =
  "$db lsid txnNumber autocommit startTransaction stmtId $clusterTime $readPreference readConcern writeConcern " +
  "maxTimeMS maxTimeMSOpOnly comment apiVersion apiStrict apiDeprecationErrors clientOperationKey " +
  "allowImplicitCollectionCreation databaseVersion shardVersion coordinator txnRetryCounter " +
  "mayBypassWriteBlocking tracking_info expectPrefix $audit $client $configServerState $configTime " +
  "$oplogQueryData $queryOptions $replData $tenant $topologyTime";

const WRITE =
  "ordered bypassDocumentValidation stmtIds isTimeseriesNamespace collectionUUID encryptionInformation " +
  "let runtimeConstants legacyRuntimeConstants";

const FIND_AND_MODIFY =
  "query fields sort hint collation arrayFilters remove update upsert new let bypassDocumentValidation " +
  "runtimeConstants legacyRuntimeConstants encryptionInformation isTimeseriesNamespace sampleId " +
  "allowShardKeyUpdatesWithoutFullShardKeyInQuery";

/**
 * The fields of the commands that reject unknown ones, as in MongoDB 7.0. The others accept any field. Aliases
 * have the fields of their command.
 */
const FIELDS: Readonly<Record<string, string>> = {
  find:
    "filter projection sort hint collation skip limit batchSize ntoreturn singleBatch allowDiskUse min max " +
    "returnKey showRecordId tailable oplogReplay noCursorTimeout awaitData allowPartialResults let options term " +
    "readOnce allowSpeculativeMajorityRead $_requestResumeToken $_resumeAfter encryptionInformation",
  getMore: "collection batchSize term lastKnownCommittedOpTime",
  killCursors: "cursors",
  count: "query limit skip hint collation fields queryOptions encryptionInformation",
  distinct: "key query collation",
  aggregate:
    "pipeline explain allowDiskUse cursor bypassDocumentValidation collation hint let needsMerge fromMongos " +
    "exchange runtimeConstants legacyRuntimeConstants collectionUUID isMapReduceCommand encryptionInformation " +
    "$_requestReshardingResumeToken $_passthroughToShard",
  insert: `documents ${WRITE}`,
  update: `updates ${WRITE}`,
  delete: `deletes ${WRITE}`,
  findAndModify: FIND_AND_MODIFY,
  findandmodify: FIND_AND_MODIFY,
  explain: "verbosity",
  create:
    "capped autoIndexId idIndex size max storageEngine validator validationLevel validationAction " +
    "indexOptionDefaults viewOn pipeline collation changeStreamPreAndPostImages timeseries clusteredIndex " +
    "expireAfterSeconds encryptedFields temp flags",
  drop: "collectionUUID",
  dropDatabase: "",
  renameCollection: "to dropTarget stayTemp collectionUUID",
  collMod:
    "index validator validationLevel validationAction viewOn pipeline changeStreamPreAndPostImages " +
    "expireAfterSeconds timeseries cappedSize cappedMax dryRun isTimeseriesNamespace",
  listCollections: "cursor filter nameOnly authorizedCollections",
  listDatabases: "nameOnly filter authorizedDatabases",
  createIndexes: "v indexes ignoreUnknownIndexOptions commitQuorum isTimeseriesNamespace",
  listIndexes: "cursor includeBuildUUIDs includeIndexBuildInfo isTimeseriesNamespace",
  dropIndexes: "index isTimeseriesNamespace collectionUUID",
  deleteIndexes: "index isTimeseriesNamespace collectionUUID",
  commitTransaction: "commitTimestamp durableTimestamp recoveryToken",
  abortTransaction: "recoveryToken",
  startSession: "",
  refreshSessions: "",
  endSessions: "",
  killSessions: "",
};

const wordsOf = (text: string): string[] => text.split(" ").filter((word) => word !== "");

/** A set of fields of a statement, or of an option that is a document. */
export const fields = (names: string): ReadonlySet<string> => new Set(wordsOf(names));

const BY_COMMAND: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(FIELDS).map(([name, own]) => [name, fields(`${name} ${own} ${GENERIC}`)]),
);

/** @throws CommandFault 40415 for a field that the command does not know */
export function requireKnownFields(args: Arguments, command: string): void {
  const known = BY_COMMAND.get(command);
  if (known !== undefined) args.requireKnown(known);
}
