/** Stages that real servers have and this one refuses, unless the server around it answers them. */
export const REFUSED_STAGES: ReadonlySet<string> = new Set([
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

/** Stages that exist but have no place in an update. */
export const isUpdateForbidden = (name: string): boolean =>
  REFUSED_STAGES.has(name) || PIPELINE_ONLY.has(name);

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
