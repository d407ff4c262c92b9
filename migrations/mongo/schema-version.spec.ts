import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { AppError } from "../../shared/errors.ts";
import { startTestMongo, type TestMongo } from "../../test/mongo.ts";
import { ensureIndexes } from "./indexes.ts";
import { SCHEMA_VERSION } from "./schema-version.ts";

describe("the schema version of a database", () => {
  let mongo: TestMongo;
  before(async () => {
    mongo = await startTestMongo();
  });
  after(() => mongo.close());

  const versionsOf = (name: string) =>
    mongo.client.db(name).collection<{ _id: string; version: number }>("schema").find().toArray();

  it("is recorded once, also by services that start together", async () => {
    const db = mongo.client.db("fresh");
    await Promise.all(Array.from({ length: 4 }, () => ensureIndexes(db, ["events"])));
    assert.deepEqual(await versionsOf("fresh"), [{ _id: "kinit", version: SCHEMA_VERSION }]);
  });

  it("is not changed by a later start", async () => {
    const db = mongo.client.db("old");
    await db.collection<{ _id: string; version: number }>("schema").insertOne({ _id: "kinit", version: 0 });
    await ensureIndexes(db, ["events"]);
    assert.deepEqual(await versionsOf("old"), [{ _id: "kinit", version: 0 }]);
  });

  it("that is newer than the program's is rejected before anything is created", async () => {
    const db = mongo.client.db("newer");
    const version = SCHEMA_VERSION + 1;
    await db.collection<{ _id: string; version: number }>("schema").insertOne({ _id: "kinit", version });
    await assert.rejects(ensureIndexes(db, ["events"]), (error: AppError) => {
      assert.equal(error.type, "STORE_TOO_NEW");
      assert.match(
        error.message,
        /newer has the schema version 2, and this program reads up to 1: start the/,
      );
      return true;
    });
    assert.deepEqual(
      (await db.listCollections().toArray()).map(({ name }) => name),
      ["schema"],
    );
  });
});
