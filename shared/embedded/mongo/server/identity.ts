/** The name, version and limits that the server reports to clients. */

export const REPLICA_SET = "rs0";
export const SERVER_VERSION = "7.0.14";
/** The wire version of MongoDB 7.0. */
export const MAX_WIRE_VERSION = 21;
/** The largest document that may be stored. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
export const MAX_BATCH_STATEMENTS = 100_000;
/** Further connections are closed at once. */
export const MAX_CONNECTIONS = 10_000;
