/** Commands of a real server that are not supported, with the name of the feature. */
const REFUSED: Readonly<Record<string, string>> = {
  authenticate: "Authentication",
  saslStart: "Authentication",
  saslContinue: "Authentication",
  logout: "Authentication",
  createUser: "User management",
  updateUser: "User management",
  dropUser: "User management",
  usersInfo: "User management",
  createRole: "User management",
  rolesInfo: "User management",
  bulkWrite: "bulkWrite across collections",
  mapReduce: "mapReduce",
  mapreduce: "mapReduce",
  geoNear: "Geospatial search",
  geoSearch: "Geospatial search",
  convertToCapped: "A capped collection",
  cloneCollectionAsCapped: "A capped collection",
  replSetInitiate: "A replica set of several members",
  replSetReconfig: "A replica set of several members",
  replSetStepDown: "A replica set of several members",
  addShard: "Sharding",
  shardCollection: "Sharding",
  enableSharding: "Sharding",
  listShards: "Sharding",
  createSearchIndexes: "Atlas Search",
  listSearchIndexes: "Atlas Search",
  updateSearchIndex: "Atlas Search",
  dropSearchIndex: "Atlas Search",
  eval: "Server-side JavaScript",
  $eval: "Server-side JavaScript",
};

/** Returns the feature of an unsupported command; null for a command that does not exist in MongoDB. */
export const unsupportedFeature = (command: string): string | null =>
  Object.hasOwn(REFUSED, command) ? REFUSED[command]! : null;
