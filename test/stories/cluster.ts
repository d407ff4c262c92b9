import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import type { ServiceName } from "../../tools/service-names.ts";
import { type NatsServer, startNatsServer } from "../bus/nats-server.ts";
import { eventually } from "../eventually.ts";
import { freePort } from "../free-port.ts";
import { type Api, httpApi } from "./api.ts";
import { type StoryProcess, startProcess } from "./process.ts";

/** The platform as it is deployed: each service a process of its own, a real nats-server, one MongoDB for all. */
export interface Cluster {
  readonly nats: NatsServer;
  readonly api: Api;
  /** For looking at what is stored. */
  readonly db: Db;
  /** The running processes by name, e.g. `executor`, `executor-2`. */
  process(name: string): StoryProcess;
  start(service: ServiceName, options?: StartOptions): Promise<StoryProcess>;
  /** Port of the MongoDB, for a proxy in front of it. */
  readonly mongoPort: number;
  /** `MONGO_DB_URL` for a service that reaches the MongoDB through a proxy on this port. */
  mongoUrlBy(port: number): string;
  /** The process that holds the scheduler's lease, and the first of those that stand by. */
  schedulers(): Promise<{ active: StoryProcess; standby: StoryProcess | undefined }>;
  mongo: { kill(): Promise<void>; restart(): Promise<void> };
  /** Runs `npm run kinit -- replay --check` against the cluster's MongoDB; answers what it printed. */
  replayCheck(): Promise<string>;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** In the story; the service's, unless told otherwise. */
  readonly name?: string;
  /** Settings of this process alone. */
  readonly settings?: Settings;
}

type Settings = Readonly<Record<string, string>>;

const SETTINGS = {
  SCHEDULER_LEASE_MS: "2000",
  EXECUTOR_ACK_WAIT_MS: "3000",
  HTTP_REQUEST_ALLOW_PRIVATE: "true",
  DRAIN_MS: "5000",
  NODE_NAME: "story",
};

export interface ClusterOptions {
  /** Called with the empty MongoDB before any service starts. */
  readonly fill?: (client: MongoClient) => Promise<void>;
}

export async function startCluster(settings: Settings = {}, { fill }: ClusterOptions = {}): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), "kinit-cluster-"));
  const [nats, mongoPort] = await Promise.all([startNatsServer(), freePort()]);
  const mongoUrl = `mongodb://127.0.0.1:${mongoPort}/story?replicaSet=rs0`;
  const env = { ...SETTINGS, ...settings, NATS_URL: nats.url, MONGO_DB_URL: mongoUrl, SERVER_PORT: "0" };
  const processes = new Map<string, StoryProcess>();

  const startMongo = async () => {
    const mongo = startProcess(
      "tools/run.mjs",
      ["kinit", "mongo", "--dir", join(dir, "mongo"), "--port", String(mongoPort)],
      {},
    );
    processes.set("mongo", mongo);
    await mongo.line(/mongodb:\/\//);
  };
  const start = async (service: ServiceName, { name = service, settings: own = {} }: StartOptions = {}) => {
    const started = startProcess("tools/run.mjs", ["service", service], { ...env, ...own });
    processes.set(name, started);
    await started.line(/ ready as /);
    return started;
  };
  const running = (name: string): StoryProcess => {
    const found = processes.get(name);
    if (!found) throw new Error(`the story started no process ${name}`);
    return found;
  };

  const stop = async () => {
    const services = [...processes].filter(([name]) => name !== "mongo").map(([, service]) => service.stop());
    await Promise.all(services);
    await processes.get("mongo")?.stop();
    await nats.stop();
    await rm(dir, { recursive: true, force: true });
  };
  let client: MongoClient | undefined;
  try {
    await startMongo();
    const connected = await new MongoClient(mongoUrl).connect();
    client = connected;
    await fill?.(connected);
    await Promise.all(
      (["scheduler", "records", "executor", "crawler", "gateway"] as const).map((name) => start(name)),
    );
    const [, address = ""] = await running("gateway").line(/ready as .* listening on (http\S+)/);
    await eventually(async () => (await fetch(`${address}/ready`)).ok);
    return {
      nats,
      api: httpApi(address),
      db: connected.db(),
      process: running,
      start,
      mongoPort,
      // Without discovery, which would lead past the proxy.
      mongoUrlBy: (port) => `mongodb://127.0.0.1:${port}/story?directConnection=true`,
      async schedulers() {
        const lease = await connected.db().collection<{ _id: string; pid: number }>("leases").findOne({});
        const all = [...processes].filter(([name]) => name.startsWith("scheduler"));
        const of = (isHolder: boolean) => all.find(([, { pid }]) => (pid === lease?.pid) === isHolder)?.[1];
        const active = of(true);
        if (!active) throw new Error("no scheduler of the story holds the lease");
        return { active, standby: of(false) };
      },
      mongo: { kill: () => running("mongo").kill(), restart: startMongo },
      async replayCheck() {
        const check = startProcess("tools/run.mjs", ["kinit", "replay", "--check"], env);
        const [line] = await check.line(/No difference|\d+ differences?\.|rror/);
        await check.ended();
        return line.startsWith("No difference") ? line : check.output();
      },
      async stop() {
        await connected.close();
        await stop();
      },
    };
  } catch (error) {
    await client?.close();
    await stop();
    throw error;
  }
}
