import { once } from "node:events";
import { access, type FileHandle, open, rename, rm } from "node:fs/promises";
import { COLLECTION_KEY, dumpLines } from "@kinit/embedded-mongo/dump";
import { linesOf } from "@kinit/embedded-mongo/lines";
import { restoreLines } from "@kinit/embedded-mongo/restore";
import { loadConfig } from "../shared/config.ts";
import { AppError, errorMessage } from "../shared/errors.ts";
import { readOptions, UsageFault } from "./command-line.ts";
import { connectTo, reachStore } from "./reach-store.ts";

/** `kinit mongo dump`: writes the state of one instant. The file is created only when it is complete. */
export async function dump(words: readonly string[], usage: string): Promise<void> {
  const { url, out, db } = readOptions(words, { texts: ["url", "out", "db"], usage });
  if (!out) throw new UsageFault("--out is missing.", usage);
  if (out !== "-") await refuseExisting(out);
  const store = await reachStore({ config: loadConfig(), url });
  try {
    const client = await connectTo(store);
    try {
      const lines = dumpLines(client, db);
      report("dumped", out === "-" ? await print(lines) : await writeWhole(out, lines), out);
    } finally {
      await client.close();
    }
  } finally {
    await store.close();
  }
}

/** `kinit mongo restore`: reads a dump into collections that do not exist yet. */
export async function restore(words: readonly string[], usage: string): Promise<void> {
  const { url, in: from } = readOptions(words, { texts: ["url", "in"], usage });
  if (!from) throw new UsageFault("--in is missing.", usage);
  const input = from === "-" ? process.stdin : (await openFile(from, "r")).createReadStream();
  const store = await reachStore({ config: loadConfig(), url, isForWriting: true });
  try {
    const client = await connectTo(store);
    try {
      report("restored", await restoreLines(client, linesOf(input)), from);
    } finally {
      await client.close();
    }
  } finally {
    await store.close();
  }
}

interface Counted {
  readonly collections: number;
  readonly documents: number;
}

/** Writes to standard error, since standard output may be the dump. */
function report(done: string, { documents, collections }: Counted, file: string): void {
  const where = file === "-" ? "" : `: ${file}`;
  process.stderr.write(`${done} ${documents} documents of ${collections} collections${where}\n`);
}

async function print(lines: AsyncIterable<string>): Promise<Counted> {
  return count(lines, async (line) => {
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, "drain");
  });
}

async function writeWhole(path: string, lines: AsyncIterable<string>): Promise<Counted> {
  const draft = `${path}.${process.pid}.partial`;
  const file = await openFile(draft, "wx");
  try {
    const stream = file.createWriteStream({ flush: true });
    const closed = once(stream, "close");
    const counted = await count(lines, async (line) => {
      if (!stream.write(`${line}\n`)) await once(stream, "drain");
    });
    stream.end();
    await closed;
    await refuseExisting(path);
    await rename(draft, path);
    return counted;
  } catch (error) {
    await file.close().catch(() => {});
    await rm(draft, { force: true });
    throw error;
  }
}

async function count(lines: AsyncIterable<string>, write: (line: string) => Promise<void>): Promise<Counted> {
  let collections = 0;
  let total = 0;
  for await (const line of lines) {
    if (line.startsWith(`{"${COLLECTION_KEY}":`)) collections += 1;
    total += 1;
    await write(line);
  }
  return { collections, documents: total - collections };
}

async function refuseExisting(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (exists) {
    throw new AppError(`${path} exists already: choose another name or remove it.`, {
      type: "DUMP_FILE_EXISTS",
    });
  }
}

async function openFile(path: string, flags: "r" | "wx"): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (cause) {
    const verb = flags === "r" ? "read" : "written";
    throw new AppError(`${path} cannot be ${verb}: ${errorMessage(cause)}.`, {
      type: "FILE_UNUSABLE",
      cause,
    });
  }
}
