import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMongoThread } from "@kinit/embedded-mongo/thread";
import type { ServiceBroker } from "moleculer";
import { type Db, MongoClient } from "mongodb";
import { createBroker } from "../../shared/broker.ts";
import { readConfig } from "../../shared/config.ts";
import { createLogger } from "../../shared/logger.ts";
import { launch } from "../../tools/launch.ts";
import { serviceNames } from "../../tools/service-names.ts";
import { startNatsServer } from "../bus/nats-server.ts";
import { type StoryProcess, startProcess } from "../stories/process.ts";
import { noop } from "./noop-handler.ts";

export type Mode = "embedded" | "nats";

/** CPU time in ms and resident memory in MiB of one process. */
export interface Usage {
  readonly cpuMs: number;
  readonly rssMiB: number;
}

/** The platform under measurement: one process with everything, or one process per service over NATS. */
export interface Platform {
  readonly mode: Mode;
  /** Makes calls, as the gateway does. */
  readonly broker: ServiceBroker;
  readonly db: Db;
  /** Usage by process name. */
  usage(): Promise<Readonly<Record<string, Usage>>>;
  stop(): Promise<void>;
}

export interface PlatformOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Fills the store before the services start. */
  readonly prepare?: (db: Db) => Promise<void>;
}

const QUIET = {
  ORM_DB_ENABLE: "false",
  AUTH_ENABLE: "false",
  SERVER_PORT: "0",
  LOG_LEVEL: "warn",
  LOG_FORMAT: "json",
  MONGO_DB_NAME: "kinit",
  MANUAL_RUNS_PER_MINUTE: "0",
};

export async function startPlatform(
  mode: Mode,
  { env = {}, prepare }: PlatformOptions = {},
): Promise<Platform> {
  const dir = await mkdtemp(join(tmpdir(), "kinit-bench-"));
  const settings = { ...QUIET, ...env, DATA_DIR: dir };
  const start = mode === "embedded" ? embeddedPlatform : natsPlatform;
  const platform = await start({ dir, settings, prepare });
  return {
    ...platform,
    async stop() {
      await platform.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

interface Start {
  readonly dir: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly prepare: PlatformOptions["prepare"];
}

async function storeAt(url: string, prepare: PlatformOptions["prepare"]): Promise<MongoClient> {
  const client = await new MongoClient(url).connect();
  await prepare?.(client.db("kinit"));
  return client;
}

async function embeddedPlatform({ dir, settings, prepare }: Start): Promise<Platform> {
  const mongo = await startMongoThread({ dir: join(dir, "mongo"), sync: "full" });
  const client = await storeAt(mongo.url, prepare);
  const config = readConfig({ ...settings, MONGO_DB_URL: mongo.url });
  const launched = await launch({
    config,
    services: serviceNames,
    handlers: [noop],
    logger: createLogger(config),
  });
  return {
    mode: "embedded",
    broker: launched.broker,
    db: client.db("kinit"),
    async usage() {
      const { user, system } = process.cpuUsage();
      return {
        "one process": { cpuMs: (user + system) / 1000, rssMiB: process.memoryUsage.rss() / 2 ** 20 },
      };
    },
    async stop() {
      await client.close();
      await launched.stop();
      await mongo.close();
    },
  };
}

async function natsPlatform({ dir, settings, prepare }: Start): Promise<Platform> {
  const nats = await startNatsServer();
  const mongo = startProcess(
    "tools/run.mjs",
    ["kinit", "mongo", "--dir", join(dir, "mongo"), "--port", "0"],
    {},
  );
  const [url] = await mongo.line(/mongodb:\/\/\S+/);
  const client = await storeAt(url, prepare);
  // As `tools/run.mjs` has it.
  const cache = { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") };
  const env = { ...settings, ...cache, NATS_URL: nats.url, MONGO_DB_URL: url };
  const processes = new Map<string, StoryProcess>();
  for (const name of ["records", "executor", "scheduler"]) {
    processes.set(name, startProcess("test/bench/service-process.ts", [name], env));
  }
  await Promise.all([...processes.values()].map((service) => service.line(/ ready as /)));
  const broker = await createBroker(readConfig(env));
  await broker.start();
  await broker.waitForServices(["records", "executor", "scheduler"], 10_000);
  return {
    mode: "nats",
    broker,
    db: client.db("kinit"),
    usage: () => usageOf(processes),
    async stop() {
      await broker.stop();
      await client.close();
      await Promise.all([...processes.values()].map((service) => service.stop()));
      await mongo.stop();
      await nats.stop();
    },
  };
}

async function usageOf(processes: ReadonlyMap<string, StoryProcess>): Promise<Record<string, Usage>> {
  const all: Record<string, Usage> = {};
  for (const [name, service] of processes) {
    const known = service.output().split("\n").length;
    process.kill(service.pid, "SIGUSR2");
    await service.line(/usage/);
    const lines = await newLines(service, known);
    const [, cpuMs, rssMiB] = (lines.findLast((line) => line.startsWith("usage ")) ?? "").split(" ");
    all[name] = { cpuMs: Number(cpuMs), rssMiB: Number(rssMiB) };
  }
  return all;
}

/** A process that was asked before has older answers: the one after them is meant. */
async function newLines(service: StoryProcess, known: number): Promise<string[]> {
  for (;;) {
    const lines = service.output().split("\n").slice(known);
    if (lines.some((line) => line.startsWith("usage "))) return lines;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
