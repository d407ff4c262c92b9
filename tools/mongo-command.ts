import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";
import { parseArgs } from "node:util";
import { MongoClient } from "mongodb";
import { startMongoThread } from "../shared/embedded/mongo/start-mongo-thread.ts";
import { AppError } from "../shared/errors.ts";
import { linesOf } from "./lines-of.ts";
import { dumpLines } from "./mongo-dump.ts";
import { restoreLines } from "./mongo-restore.ts";
import { failCommand, stopOnSignal } from "./run-until-stopped.ts";

const USAGE = `kinit mongo --dir DIR [--port 27017] [--sync full|normal]   serve DIR to the processes of this machine
kinit mongo dump --url URL --out FILE|- [--db NAME]          write everything (or one database) as Extended JSON lines
kinit mongo restore --url URL --in FILE|-                    read it into collections that do not exist yet`;

const misused = (reason: string): AppError =>
  new AppError(`${reason}\n${USAGE}`, { type: "USAGE", code: 400 });

/**
 * The commands behind `npm run kinit -- mongo`.
 *
 * @throws AppError `USAGE` for words that say nothing, and what the server, the dump or the restore throw
 */
export async function runMongoCommand(argv: readonly string[]): Promise<void> {
  const [verb, ...rest] = argv;
  if (verb === "dump") return dump(rest);
  if (verb === "restore") return restore(rest);
  return serve(argv);
}

type Options = Readonly<Record<string, string | undefined>>;

function optionsOf(argv: readonly string[], names: readonly string[]): Options {
  try {
    const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw misused((error as Error).message);
  }
}

function required(options: Options, name: string): string {
  const value = options[name];
  if (value === undefined || value === "") throw misused(`--${name} is missing`);
  return value;
}

async function serve(argv: readonly string[]): Promise<void> {
  const options = optionsOf(argv, ["dir", "port", "host", "sync"]);
  const sync = options.sync ?? "full";
  if (sync !== "full" && sync !== "normal") throw misused(`--sync must be full or normal, not '${sync}'`);
  const port = Number(options.port ?? 27017);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw misused("--port must be a number from 0 to 65535");
  const server = await startMongoThread({
    dir: required(options, "dir"),
    port,
    host: options.host,
    sync,
    log: (message) => process.stderr.write(`${message}\n`),
  });
  process.stdout.write(`listening on ${server.url}\n`);
  server.failed.catch(failCommand);
  stopOnSignal({ stop: () => server.close() });
}

async function dump(argv: readonly string[]): Promise<void> {
  const options = optionsOf(argv, ["url", "out", "db"]);
  const out = required(options, "out");
  const stream = out === "-" ? process.stdout : createWriteStream(out, { flags: "wx" });
  await withClient(required(options, "url"), async (client) => {
    for await (const line of dumpLines(client, options.db)) {
      if (!stream.write(`${line}\n`)) await once(stream, "drain");
    }
  });
  if (stream === process.stdout) return;
  stream.end();
  await finished(stream);
}

async function restore(argv: readonly string[]): Promise<void> {
  const options = optionsOf(argv, ["url", "in"]);
  const from = required(options, "in");
  const input = from === "-" ? process.stdin : createReadStream(from);
  await withClient(required(options, "url"), async (client) => {
    const { collections, documents } = await restoreLines(client, linesOf(input));
    process.stderr.write(`restored ${documents} documents in ${collections} collections\n`);
  });
}

async function withClient(url: string, work: (client: MongoClient) => Promise<void>): Promise<void> {
  const client = await new MongoClient(url).connect();
  try {
    await work(client);
  } finally {
    await client.close();
  }
}
