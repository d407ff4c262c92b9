import { Binary, type BsonDocument, documentOf, Timestamp } from "../bson/values.ts";

/** The logical clock that drivers gossip: seconds in the upper half, a counter within the second in the lower. */
export class ClusterTime {
  #seconds = 0;
  #increment = 0;

  /** Returns a time later than all before. */
  tick(): Timestamp {
    const seconds = Math.max(this.#seconds, Math.floor(Date.now() / 1000));
    this.#increment = seconds === this.#seconds ? this.#increment + 1 : 1;
    this.#seconds = seconds;
    return this.now();
  }

  now(): Timestamp {
    if (this.#seconds === 0) return this.tick();
    return new Timestamp((BigInt(this.#seconds) << 32n) | BigInt(this.#increment));
  }
}

/** `$clusterTime` of a deployment without authentication: it is not signed. */
export const signedTime = (clusterTime: Timestamp): BsonDocument =>
  documentOf({
    clusterTime,
    signature: documentOf({ hash: new Binary(new Uint8Array(20)), keyId: 0n }),
  });
