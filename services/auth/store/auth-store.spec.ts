import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { systemClock as clock } from "../../../shared/clock.ts";
import { ormEventStore } from "../../../shared/event-store/orm-event-store.ts";
import { ormOutboxStore } from "../../../shared/event-store/orm-outbox-store.ts";
import { append, receiver, silence } from "../../../shared/event-store/outbox.fixture.ts";
import { createOutbox, type Outbox, type OutboxOptions } from "../../../shared/event-store/outbox.ts";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { postgresKinds, type TestPostgres } from "../../../test/postgres.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { type Database, openDatabase } from "./open-database.ts";
import { migrate, requireSchema } from "./open-migrations.ts";

for (const { name, start, skip } of postgresKinds) {
  describe(`the event store and outbox on ${name}`, { skip }, () => {
    let postgres: TestPostgres;
    let database: Database;
    const open: Outbox[] = [];
    before(async () => {
      postgres = await start();
      database = await openDatabase({ ...postgres, ormDatabaseEcho: false }, silentLog);
      await assert.rejects(requireSchema(database.orm), { type: "SCHEMA_MISMATCH", message: /001-users/ });
      await migrate(database.orm);
      await requireSchema(database.orm);
    });
    afterEach(() => Promise.all(open.splice(0).map((outbox) => outbox.stop())));
    after(async () => {
      await database?.close();
      await postgres?.close();
    });

    async function writer(send: OutboxOptions["send"]) {
      const { em } = database;
      const outboxStore = ormOutboxStore({ em, service: "auth", writer: objectId(), clock });
      const outbox = createOutbox({ store: outboxStore, log: silentLog, clock, send, checkpointMs: 20 });
      await outbox.start();
      open.push(outbox);
      return { outbox, outboxStore, store: ormEventStore({ em, outbox, clock, log: silentLog }) };
    }
    const execute = (sql: string, params: unknown[] = []) => database.em.fork().execute(sql, params);

    it("publishes events in order, and stores how far", async () => {
      const { send, sent, count } = receiver();
      const { store, outbox, outboxStore } = await writer(send);
      const taskId = objectId();
      await append(store, taskId, 0, 3);
      await count(3);
      const stored = await store.readStream(`task-${taskId}`);
      assert.deepEqual(
        sent.map(({ event }) => event.id),
        stored.map(({ id }) => id),
      );
      assert.deepEqual(
        stored.map(({ version }) => version),
        [1, 2, 3],
      );
      assert.equal(outbox.pending(), 0);
      await eventually(async () => {
        const [row] = await execute("select position from kinit_outbox where writer = ?", [
          outboxStore.writer,
        ]);
        return row?.position >= (stored.at(-1)?.id ?? "");
      });
    });

    it("stores nothing of a transaction whose stream another writer changed first", async () => {
      const { store } = await writer(silence);
      const taskId = objectId();
      await append(store, taskId, 0);
      await assert.rejects(append(store, taskId, 0), { type: "STREAM_CONFLICT" });
      assert.equal((await store.readStream(`task-${taskId}`)).length, 1);
    });

    it("resends what an ended process left, and removes it from the list", async () => {
      const crashed = await writer(silence);
      const taskId = objectId();
      await append(crashed.store, taskId, 0, 3);
      await crashed.outbox.stop();
      await execute(
        `update kinit_outbox set process = process || '{"pid": 1073741824, "boot": "gone"}' where writer = ?`,
        [crashed.outboxStore.writer],
      );
      const { send, sent, count } = receiver();
      const heir = await writer(send);
      heir.outbox.adoptEnded();
      await count(3);
      const stored = await heir.store.readStream(`task-${taskId}`);
      assert.deepEqual(
        sent
          .filter(({ event }) => event.subject === `task-${taskId}`)
          .map(({ event, resent }) => [event.id, resent]),
        stored.map(({ id }) => [id, true]),
      );
      await eventually(
        async () =>
          (await execute("select 1 from kinit_outbox where writer = ?", [crashed.outboxStore.writer]))
            .length === 0,
      );
    });

    it("looks up a commit without a response, and sends what was stored before anything later", async () => {
      const { send, sent, count } = receiver();
      const { store, outbox } = await writer(send);
      const taskId = objectId();
      await append(store, taskId, 0);
      await count(1);
      const [first] = sent;
      assert.ok(first);
      const neverStored = { ...first.event, id: "ffffffff-0000-7000-8000-000000000000" };
      outbox.open().unknown([first.event, neverStored]);
      await append(store, taskId, 1);
      await count(3);
      assert.deepEqual(
        sent.map(({ event, resent }) => [event.id === first.event.id, resent]),
        [
          [true, false],
          [true, true],
          [false, false],
        ],
      );
    });

    it("is used by one process at a time, if it is embedded", async () => {
      if (postgres.ormDatabaseUrl) return;
      await assert.rejects(openDatabase({ ...postgres, ormDatabaseEcho: false }, silentLog), {
        type: "DATA_DIRECTORY_UNUSABLE",
        message: /in use by process/,
      });
    });

    it("rejects a schema of a newer version", async () => {
      await execute("insert into kinit_migration (name) values ('999-later')");
      try {
        await assert.rejects(requireSchema(database.orm), { type: "SCHEMA_MISMATCH", message: /999-later/ });
        await assert.rejects(migrate(database.orm), { type: "SCHEMA_MISMATCH" });
      } finally {
        await execute("delete from kinit_migration where name = '999-later'");
      }
    });
  });
}
