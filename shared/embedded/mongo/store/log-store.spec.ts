import assert from "node:assert/strict";
import { fstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Batch } from "./batch.ts";
import { type Disk, realDisk } from "./disk.ts";
import { LogStore, type LogStoreOptions } from "./log-store.ts";

const batchOf = (text: string): Batch => {
  const bytes = Buffer.from(text.padEnd(100, "."));
  return { pieces: [bytes], length: bytes.length };
};
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString().replace(/\.+$/, "");

/** The whole content as one batch. */
const snapshotOf = (texts: readonly string[]) =>
  async function* () {
    for (const text of texts) yield batchOf(text);
  };

describe("the log store", () => {
  let parent = "";
  let stores: LogStore[] = [];
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "kinit-log-"));
  });
  afterEach(async () => {
    for (const store of stores) await store.close();
    stores = [];
    await rm(parent, { recursive: true });
  });

  const open = async (directory: string, options: Partial<LogStoreOptions> = {}) => {
    const store = new LogStore({
      directory,
      sync: "full",
      disk: realDisk,
      compactAtBytes: 1,
      isHeld: () => true,
      beginsNewLog: false,
      log: () => {},
      ...options,
    });
    const texts: string[] = [];
    await store.load(async (bytes) => {
      texts.push(textOf(bytes));
    });
    stores.push(store);
    return { store, texts };
  };

  for (const sync of ["full", "normal"] as const) {
    it(`with sync ${sync} starts with complete commits in order after power loss at any moment, also while a new log begins`, async () => {
      const directory = join(parent, "data");
      const { disk, images } = powerLossDisk(directory);
      const acknowledged: string[] = [];
      const { store } = await open(directory, { sync, disk });
      for (let round = 0; round < 4; round++) {
        for (let n = 0; n < 4; n++) {
          const text = `${round} ${n}`;
          await store.append(batchOf(text));
          acknowledged.push(text);
        }
        await store.compactIfDue(snapshotOf([...acknowledged]));
      }
      assert.ok(images.length > 4, `${images.length} moments`);
      for (const [i, { files, survivors }] of images.entries()) {
        const copy = join(parent, `loss-${i}`);
        await mkdir(copy);
        for (const [name, bytes] of files) await writeFile(join(copy, name), bytes);
        const { texts } = await open(copy);
        const found = [...new Set(texts)];
        assert.deepEqual(found, acknowledged.slice(0, found.length), `moment ${i}`);
        if (sync === "full")
          assert.ok(found.length >= survivors, `moment ${i}: ${found.length} of ${survivors}`);
      }

      function powerLossDisk(of: string) {
        /** Keyed by inode, since a snapshot is renamed. */
        const durable = new Map<number, number>();
        const taken: { files: [string, Buffer][]; survivors: number }[] = [];
        const lossy: Disk = {
          ...realDisk,
          open: async (path, flags) => {
            const file = await realDisk.open(path, flags);
            durable.set(fstatSync(file).ino, 0);
            return file;
          },
          flush: async (file) => {
            await realDisk.flush(file);
            const { ino, size } = fstatSync(file);
            durable.set(ino, size);
            // Part of what is not flushed may have reached the disk: here half of it.
            const files = readdirSync(of).map((name): [string, Buffer] => {
              const path = join(of, name);
              const [bytes, flushed] = [readFileSync(path), durable.get(statSync(path).ino) ?? 0];
              return [name, bytes.subarray(0, flushed + ((bytes.length - flushed) >> 1))];
            });
            taken.push({ files, survivors: acknowledged.length });
          },
        };
        return { disk: lossy, images: taken };
      }
    });
  }

  it("ends the compaction, and can be closed, when the disk fails before the new log begins", async () => {
    for (const failsAt of ["space", "switch"]) {
      let fails = false;
      const held = Promise.withResolvers<void>();
      const requested = Promise.withResolvers<void>();
      const disk: Disk = {
        ...realDisk,
        free: async () => {
          requested.resolve();
          if (failsAt === "space") await held.promise;
          return 2 ** 40;
        },
        flush: async (file) => {
          if (fails && failsAt === "switch") await held.promise;
          if (fails) throw new Error("EIO: i/o error, fdatasync");
          await realDisk.flush(file);
        },
      };
      const logged: string[] = [];
      const directory = join(parent, failsAt);
      const { store } = await open(directory, { disk, log: (message) => logged.push(message) });
      await store.append(batchOf("stored"));
      fails = true;
      const refused = failsAt === "switch" ? store.append(batchOf("refused")) : null;
      refused?.catch(() => {});
      const compacted = store.compactIfDue(snapshotOf([]));
      await requested.promise;
      if (failsAt === "space") await assert.rejects(store.append(batchOf("refused")), /EIO/);
      held.resolve();
      if (refused !== null) await assert.rejects(refused, /EIO/);
      await compacted;
      assert.match(logged.at(-1)!, /cannot be compacted/);
      await store.close();
    }
  });

  it("continues after a full disk, unless another process has taken the directory", async () => {
    let isFull = false;
    let isHeld = true;
    const disk: Disk = {
      ...realDisk,
      write: async (...args) => {
        if (isFull) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
        await realDisk.write(...args);
      },
    };
    const directory = join(parent, "data");
    const { store } = await open(directory, { disk, isHeld: () => isHeld });
    await store.append(batchOf("one"));
    isFull = true;
    await assert.rejects(store.append(batchOf("refused")), /ENOSPC/);
    isFull = false;
    isHeld = false;
    await store.recover();
    await assert.rejects(store.append(batchOf("not ours")), /ENOSPC/);
    assert.deepEqual(readdirSync(directory), ["log-00000000"]);
    isHeld = true;
    await store.recover();
    await store.append(batchOf("two"));
    await store.close();
    assert.deepEqual((await open(directory)).texts, ["one", "two"]);
  });

  it("removes an unfinished snapshot after a failure, and compacts later", async () => {
    const directory = join(parent, "data");
    const { store } = await open(directory);
    await store.append(batchOf("one"));
    await store.compactIfDue(async function* () {
      yield batchOf("one");
      throw new Error("broken");
    });
    assert.deepEqual(
      readdirSync(directory).filter((name) => !name.startsWith("log-")),
      [],
    );
    await store.append(batchOf("two"));
    await store.close();
    assert.deepEqual((await open(directory)).texts, ["one", "two"]);
  });

  it("begins a new log if the last holder may still write to the old one, and ignores such writes", async () => {
    const directory = join(parent, "data");
    const suspended = await open(directory);
    await suspended.store.append(batchOf("one"));
    const successor = await open(directory, { beginsNewLog: true });
    assert.deepEqual(successor.texts, ["one"]);
    await successor.store.append(batchOf("two"));
    // A write that was in progress when the holder was suspended.
    await suspended.store.append(batchOf("late"));
    await successor.store.close();
    assert.deepEqual((await open(directory)).texts, ["one", "two"]);
  });
});
