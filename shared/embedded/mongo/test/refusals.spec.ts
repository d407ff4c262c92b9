import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Document, MongoServerError } from "mongodb";
import { mongoForTests, realServerUrl } from "./mongo.fixture.ts";

const find = (filter: Document, options: Document = {}) => ({ find: "items", filter, ...options });
const index = (key: Document, options: Document = {}) => ({
  createIndexes: "items",
  indexes: [{ key, name: "refused", ...options }],
});
const aggregate = (...pipeline: Document[]) => ({ aggregate: "items", pipeline, cursor: {} });
const point = { $geometry: { type: "Point", coordinates: [0, 0] } };

/** Features that only a real server has: each is rejected by name, and none is silently ignored. */
const REFUSED: readonly (readonly [string, Document])[] = [
  ["a change stream", aggregate({ $changeStream: {} })],
  ["a tailable cursor", find({}, { tailable: true })],
  ["a cursor that awaits data", find({}, { awaitData: true })],
  ["a capped collection", { create: "made", capped: true, size: 4096 }],
  ["a conversion to a capped collection", { convertToCapped: "items", size: 4096 }],
  ["a time series collection", { create: "made", timeseries: { timeField: "t" } }],
  ["a clustered collection", { create: "made", clusteredIndex: { key: { _id: 1 }, unique: true } }],
  ["a validator with a schema", { create: "made", validator: { $jsonSchema: { required: ["a"] } } }],
  ["pre- and post-images", { create: "made", changeStreamPreAndPostImages: { enabled: true } }],
  ["$where", find({ $where: "true" })],
  ["$text", find({ $text: { $search: "word" } })],
  ["$jsonSchema", find({ $jsonSchema: { required: ["a"] } })],
  ["$near", find({ at: { $near: point } })],
  ["$nearSphere", find({ at: { $nearSphere: point } })],
  ["$geoWithin", find({ at: { $geoWithin: { $centerSphere: [[0, 0], 1] } } })],
  ["$geoIntersects", find({ at: { $geoIntersects: point } })],
  ["$geoNear", aggregate({ $geoNear: { near: point.$geometry, distanceField: "d" } })],
  ["$search", aggregate({ $search: { text: {} } })],
  [
    "$function",
    aggregate({ $project: { a: { $function: { body: "function() {}", args: [], lang: "js" } } } }),
  ],
  ["$accumulator", aggregate({ $group: { _id: 1, a: { $accumulator: {} } } })],
  ["a text index", index({ a: "text" })],
  ["a hashed index", index({ a: "hashed" })],
  ["a wildcard index", index({ "$**": 1 })],
  ["a 2dsphere index", index({ a: "2dsphere" })],
  ["mapReduce", { mapReduce: "items", map: "function() {}", reduce: "function() {}", out: { inline: 1 } }],
  ["authentication", { saslStart: 1, mechanism: "SCRAM-SHA-256", payload: "" }],
  ["a user", { createUser: "somebody", pwd: "secret", roles: [] }],
];
const REFUSED_BY_ADMIN: readonly (readonly [string, Document])[] = [
  ["bulkWrite across collections", { bulkWrite: 1, ops: [], nsInfo: [] }],
  ["sharding", { shardCollection: "a.b", key: { a: 1 } }],
  ["another member", { replSetReconfig: {} }],
];

describe("refusals", { skip: realServerUrl !== undefined }, () => {
  const mongo = mongoForTests();
  const isRefusal = (error: MongoServerError) => {
    assert.equal(error.code, 115, error.message);
    assert.equal(error.codeName, "CommandNotSupported");
    assert.match(
      error.message,
      /^\S.* is not supported by the embedded MongoDB server; a real MongoDB server has it$/,
    );
    return true;
  };

  for (const [name, command] of REFUSED) {
    it(`name ${name} and say that a real server has it`, async () => {
      await assert.rejects(mongo.db.command(command), isRefusal);
    });
  }
  for (const [name, command] of REFUSED_BY_ADMIN) {
    it(`name ${name} and say that a real server has it`, async () => {
      await assert.rejects(mongo.client.db("admin").command(command), isRefusal);
    });
  }

  it("leave nothing behind", async () => {
    assert.deepEqual(await mongo.db.listCollections().toArray(), []);
  });

  it("differ from the errors for unknown commands", async () => {
    await assert.rejects(mongo.db.command({ noSuchThing: 1 }), { code: 59, codeName: "CommandNotFound" });
    await assert.rejects(mongo.db.command({ atlasVersion: 1 }), { code: 59 });
    await assert.rejects(mongo.db.command(find({ a: { $noSuchOperator: 1 } })), { code: 2 });
    await assert.rejects(mongo.db.command(aggregate({ $noSuchStage: 1 })), { code: 40324 });
    await assert.rejects(mongo.db.command(index({ a: 1 }, { noSuchOption: 1 })), { code: 197 });
  });
});
