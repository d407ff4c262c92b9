import { startMongoThread } from "@kinit/embedded-mongo/thread";
import { loadConfig } from "../shared/config.ts";
import { printsHelp, readOptions, UsageFault } from "./command-line.ts";
import { startHealth } from "./process-health.ts";
import { publishUrl } from "./published-url.ts";
import { failCommand, stopOnSignal } from "./run-until-stopped.ts";

const USAGE = `Usage: npm run kinit -- mongo <…>
  --dir DIR [--port 27017] [--host 127.0.0.1] [--announce HOST:PORT] [--sync full|normal]
      serves DIR to the processes of this machine; clients continue at the announced address, by default --host and --port.
      There is no authentication: --host 0.0.0.0 exposes the data to everyone who can connect
  dump [--url URL] --out FILE|- [--db NAME]
      writes everything (or one database) as Extended JSON lines, in the state of one instant
  restore [--url URL] --in FILE|-
      reads a dump into collections that do not exist yet

Without --url: the server of MONGO_DB_URL; if that is not set, the data of DATA_DIR, whether npm start is running on it or
not.`;

const ADDRESS = /^(\[[\da-f:.]+\]|[^\s:/@[\]]+):\d{1,5}$/i;

/**
 * The commands behind `npm run kinit -- mongo`.
 *
 * @throws AppError `USAGE` for unknown words, and what the server, the dump or the restore throw
 */
export async function runMongoCommand(words: readonly string[]): Promise<void> {
  if (printsHelp(words, USAGE)) return;
  const [verb, ...rest] = words;
  if (verb === "dump" || verb === "restore") {
    const commands = await import("./backup-commands.ts");
    return commands[verb](rest, USAGE);
  }
  return serve(words);
}

async function serve(words: readonly string[]): Promise<void> {
  const options = readOptions(words, { texts: ["dir", "port", "host", "announce", "sync"], usage: USAGE });
  const { dir, host, announce, sync = "full" } = options;
  if (!dir) throw new UsageFault("--dir is missing.", USAGE);
  if (sync !== "full" && sync !== "normal")
    throw new UsageFault(`--sync must be full or normal, not '${sync}'.`, USAGE);
  const port = Number(options.port ?? 27017);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new UsageFault("--port must be a number from 0 to 65535.", USAGE);
  if (announce !== undefined && !ADDRESS.test(announce))
    throw new UsageFault(
      `--announce must be a host and a port such as mongo:27017, not '${announce}'.`,
      USAGE,
    );
  const config = loadConfig();
  const health = await startHealth(config);
  const log = (message: string) => void process.stderr.write(`${message}\n`);
  const server = await startMongoThread({ dir, port, host, announce, sync, log });
  const withdrawUrl = await publishUrl(dir, server.url);
  process.stdout.write(`listening on ${server.url}\n`);
  server.failed.catch(failCommand);
  health.enter("running");
  const stop = async () => {
    health.enter("stopping");
    await withdrawUrl();
    await server.close();
    await health.close();
  };
  stopOnSignal({ stop }, config);
}
