/** Stages of real servers that are rejected unless the environment provides them. */
export const UNSUPPORTED_STAGES: ReadonlySet<string> = new Set([
  "$changeStream",
  "$changeStreamSplitLargeEvent",
  "$collStats",
  "$currentOp",
  "$densify",
  "$fill",
  "$geoNear",
  "$indexStats",
  "$listLocalSessions",
  "$listSampledQueries",
  "$listSearchIndexes",
  "$listSessions",
  "$planCacheStats",
  "$search",
  "$searchMeta",
  "$setWindowFields",
  "$shardedDataDistribution",
  "$vectorSearch",
]);

/** Returns true for stages that exist but are not allowed in an update. */
export const isUpdateForbidden = (name: string): boolean =>
  UNSUPPORTED_STAGES.has(name) || PIPELINE_ONLY.has(name);

const PIPELINE_ONLY: ReadonlySet<string> = new Set([
  "$bucket",
  "$bucketAuto",
  "$count",
  "$documents",
  "$facet",
  "$graphLookup",
  "$group",
  "$limit",
  "$lookup",
  "$match",
  "$merge",
  "$out",
  "$redact",
  "$sample",
  "$skip",
  "$sort",
  "$sortByCount",
  "$unionWith",
  "$unwind",
]);
