import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { lockDirectory } from "./directory-lock.ts";
import { thisProcess } from "./process-identity.ts";

const SILENCE_MS = 250;

describe("the lock of a data directory", () => {
  let directory = "";
  let logged: string[] = [];
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "kinit-lock-"));
    logged = [];
  });
  afterEach(() => rm(directory, { recursive: true }));

  const path = () => join(directory, "LOCK");
  const lock = () =>
    lockDirectory({ directory, log: (message) => logged.push(message), silenceMs: SILENCE_MS });
  /** Writes a lock file as another process would. Fields that are not given are those of this process. */
  const leave = (holder: Partial<typeof thisProcess>) =>
    writeFileSync(path(), JSON.stringify({ ...thisProcess, since: "then", ...holder }));

  it("is refused at once while its holder runs on this machine", async () => {
    const held = await lock();
    await assert.rejects(lock(), { type: "MONGO_DIRECTORY_LOCKED" });
    assert.equal(held.isHeld(), true);
    await held.release();
    assert.equal(existsSync(path()), false);
    assert.deepEqual(logged, []);
  });

  it("is taken at once from a process of this boot and PID namespace that has ended", async () => {
    for (const gone of [{ pid: 2 ** 30 }, { startTicks: "1" }]) {
      leave(gone);
      await (await lock()).release();
    }
    assert.deepEqual(logged, []);
  });

  for (const [where, holder] of Object.entries({
    "in another PID namespace": { pidNamespace: "pid:[1]" },
    "on another boot": { bootId: "another" },
    "on another host": { host: "another" },
    "of a version that recorded less": { bootId: undefined, pidNamespace: undefined, startTicks: undefined },
  } as Record<string, Partial<typeof thisProcess>>)) {
    it(`is taken from a holder ${where} only when its heartbeat has stopped, and logs the wait`, async () => {
      leave({ pid: 2 ** 30, ...holder });
      const from = performance.now();
      const held = await lock();
      assert.ok(performance.now() - from >= SILENCE_MS);
      assert.equal(logged.length, 1);
      assert.match(logged[0]!, /is locked by process 1073741824 on .*: waiting up to 0.25 s to see/);
      await held.release();
    });

    it(`is not taken from a holder ${where} whose heartbeat moves`, async () => {
      leave({ pid: 2 ** 30, ...holder });
      // The clock of the holder does not matter.
      const beat = setInterval(() => utimesSync(path(), 1, Math.random() * 1000), 50);
      await assert.rejects(lock(), { type: "MONGO_DIRECTORY_LOCKED" });
      clearInterval(beat);
    });
  }

  it("is taken when a crash left it empty", async () => {
    writeFileSync(path(), "");
    await (await lock()).release();
    assert.match(logged[0]!, /on an unknown host/);
  });

  it("is taken by exactly one of many processes that find a dead holder at the same time", async () => {
    leave({ host: "another" });
    const tries = await Promise.allSettled(Array.from({ length: 6 }, lock));
    const taken = tries.filter(({ status }) => status === "fulfilled");
    assert.equal(taken.length, 1);
    await (taken[0] as PromiseFulfilledResult<Awaited<ReturnType<typeof lock>>>).value.release();
  });

  it("is reported lost as soon as another process has replaced it, and the new lock is left alone", async () => {
    const suspended = await lock();
    rmSync(path());
    const successor = await lock();
    assert.deepEqual([suspended.isHeld(), successor.isHeld()], [false, true]);
    const content = readFileSync(path(), "utf8");
    await suspended.release();
    assert.equal(readFileSync(path(), "utf8"), content);
    await successor.release();
  });

  it("is taken despite a takeover that a crash left unfinished", async () => {
    leave({ pid: 2 ** 30 });
    writeFileSync(`${path()}.takeover`, JSON.stringify({ ...thisProcess, pid: 2 ** 30, since: "then" }));
    await (await lock()).release();
    assert.equal(existsSync(`${path()}.takeover`), false);
  });
});
