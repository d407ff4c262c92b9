import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startEmbeddedMongo } from "@kinit/embedded-mongo";
import { startNatsServer } from "../bus/nats-server.ts";
import { lastingPort } from "../free-port.ts";
import { startProcess } from "../stories/process.ts";
import { startTcpProxy, type TcpProxy } from "../tcp-proxy.ts";
import type { Mode } from "./mode.ts";
import { LINKS } from "./plan-faults.ts";
import { nodeSlot, type Slot, slotOf } from "./slot.ts";

/** The platform as a user starts it, every process of which can be ended and cut off at any time. */
export interface SoakPlatform {
  /** Kept where a round finds a fault: logs and data. */
  readonly dir: string;
  readonly address: string;
  readonly natsUrl: string | undefined;
  slot(name: string): Slot;
  /** What a process and a server say to one another passes through it, e.g. `scheduler-1/mongo`. */
  link(name: string): TcpProxy;
  startAll(): Promise<void>;
  /** Ends all services in order, keeps the store reachable and answers its URL. */
  stopServices(): Promise<string>;
  /** What `npm run kinit -- replay --check` prints; to be called last. */
  replayCheck(): Promise<string>;
  stop(): Promise<void>;
}

const SETTINGS = {
  SCHEDULER_LEASE_MS: "2000",
  EXECUTOR_ACK_WAIT_MS: "3000",
  HTTP_REQUEST_ALLOW_PRIVATE: "true",
  DRAIN_MS: "3000",
  NODE_NAME: "soak",
};
/** Handlers of all tasks together need two thirds of it: after an outage runs wait for places. */
const ONE_PROCESS = { EXECUTOR_CONCURRENCY: "110" };
/** The first executor has few places and takes more than it can run at once, so that runs wait in it. */
const OWN_SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "executor-1": { EXECUTOR_CONCURRENCY: "8", EXECUTOR_MAX_IN_FLIGHT: "32" },
};
const REPLAY_LIMIT_MS = 120_000;

export async function soakPlatform(mode: Mode): Promise<SoakPlatform> {
  const dir = await mkdtemp(join(tmpdir(), "kinit-soak-"));
  return mode === "nats" ? separateProcesses(dir) : oneProcess(dir);
}

async function oneProcess(dir: string): Promise<SoakPlatform> {
  const port = String(await lastingPort());
  const env = { ...SETTINGS, ...ONE_PROCESS, DATA_DIR: dir, SERVER_PORT: port };
  const platform = nodeSlot({
    name: "platform",
    args: ["start"],
    env,
    ready: /listens on http/,
    logFile: join(dir, "platform.log"),
  });
  let close = async () => {};
  return {
    dir,
    address: `http://127.0.0.1:${port}`,
    natsUrl: undefined,
    slot: () => platform,
    link(name) {
      throw new Error(`in one process there is no connection ${name}`);
    },
    startAll: () => platform.start(),
    async stopServices() {
      await platform.stop();
      const store = await startEmbeddedMongo({ dir: join(dir, "mongo") });
      close = () => store.close();
      return store.url.replace("/?", "/kinit?");
    },
    async replayCheck() {
      await close();
      close = async () => {};
      return replay(env);
    },
    async stop() {
      await close();
      await platform.kill();
    },
  };
}

async function separateProcesses(dir: string): Promise<SoakPlatform> {
  const [mongoPort, serverPort] = [await lastingPort(), await lastingPort()];
  const nats = await startNatsServer({ dir: join(dir, "nats"), port: await lastingPort() });
  const mongoUrl = `mongodb://127.0.0.1:${mongoPort}/soak?replicaSet=rs0`;
  const env = { ...SETTINGS, NATS_URL: nats.url, MONGO_DB_URL: mongoUrl, SERVER_PORT: String(serverPort) };
  let isFirst = true;
  const server = slotOf({
    name: "nats-server",
    async launch() {
      if (!isFirst) await nats.restart();
      isFirst = false;
      return {
        pid: nats.pid(),
        ready: Promise.resolve(),
        ended: nats.ended(),
        kill: nats.kill,
        stop: nats.stop,
      };
    },
  });
  const mongo = nodeSlot({
    name: "mongo",
    args: ["kinit", "mongo", "--dir", join(dir, "mongo"), "--port", String(mongoPort)],
    env: {},
    ready: /mongodb:\/\//,
    logFile: join(dir, "mongo.log"),
  });
  const links = new Map<string, TcpProxy>();
  for (const name of LINKS)
    links.set(name, await startTcpProxy(name.endsWith("/mongo") ? mongoPort : nats.port));
  const addressesOf = (name: string) => {
    const [store, bus] = [links.get(`${name}/mongo`), links.get(`${name}/nats`)];
    return {
      // Without discovery, which would lead past the proxy.
      ...(store ? { MONGO_DB_URL: `mongodb://127.0.0.1:${store.port}/soak?directConnection=true` } : {}),
      ...(bus ? { NATS_URL: `nats://127.0.0.1:${bus.port}` } : {}),
    };
  };
  const service = (name: string) =>
    nodeSlot({
      name,
      args: ["service", name.replace(/-\d$/, "")],
      env: { ...env, ...addressesOf(name), ...OWN_SETTINGS[name] },
      ready: / ready as /,
      logFile: join(dir, `${name}.log`),
    });
  const services = [
    "records-1",
    "records-2",
    "executor-1",
    "executor-2",
    "scheduler-1",
    "scheduler-2",
    "crawler",
    "gateway",
  ].map(service);
  const all = new Map([server, mongo, ...services].map((slot) => [slot.name, slot]));
  return {
    dir,
    address: `http://127.0.0.1:${serverPort}`,
    natsUrl: nats.url,
    slot: (name) => all.get(name) as Slot,
    link: (name) => links.get(name) as TcpProxy,
    async startAll() {
      await Promise.all([server.start(), mongo.start()]);
      await Promise.all(services.map((slot) => slot.start()));
    },
    async stopServices() {
      await Promise.all(services.map((slot) => slot.stop()));
      return mongoUrl;
    },
    replayCheck: () => replay(env),
    async stop() {
      await Promise.all(services.map((slot) => slot.kill()));
      await mongo.kill();
      await server.kill();
      await Promise.all([...links.values()].map((link) => link.close()));
    },
  };
}

async function replay(env: Readonly<Record<string, string>>): Promise<string> {
  const check = startProcess("tools/run.mjs", ["kinit", "replay", "--check"], env);
  await check.line(/No difference|\d+ differences?\.|rror/, REPLAY_LIMIT_MS);
  await check.ended();
  return check.output();
}
