import { AppError } from "./errors.ts";
import {
  addresses,
  flag,
  integer,
  list,
  oneOf,
  optionalInteger,
  type Setting,
  text,
  zone,
} from "./setting.ts";

const ms = { min: 1, max: 3_600_000 };
/** Up to ten years; 0 stands for no limit. */
const maxAge = { min: 0, max: 315_360_000_000 };

const NATS_ADDRESS = String.raw`((nats|tls)://)?([^\s/@,]+@)?(\[[\da-f:.]+\]|[^\s/:,@[\]]+)(:\d+)?/?`;
const NATS_ADDRESSES = new RegExp(`^${NATS_ADDRESS}(\\s*,\\s*${NATS_ADDRESS})*$`, "i");

/** Every setting there is: the type of `config`, `.env.example` and the README's table come from here. */
export const settings = {
  serverHost: text(
    "SERVER_HOST",
    "127.0.0.1",
    "Address the HTTP gateway listens on. 0.0.0.0 opens it to the network.",
  ),
  serverPort: integer(
    "SERVER_PORT",
    9000,
    { min: 0, max: 65_535 },
    "Port of the HTTP gateway; 0 takes a free one.",
  ),
  serverNames: list(
    "SERVER_NAMES",
    {
      item: /^(\*|\[[\da-f:.]+\]|\.?[a-z\d_-]+(\.[a-z\d_-]+)*)$/,
      form: "host names separated by commas, without scheme and port, such as tasks.example.org,.internal",
    },
    "Names under which clients reach the gateway (header Host), beside loopback names, SERVER_HOST and, unless that is loopback, any IP address. Separated by commas; .example.org stands for all names below it, * for any.",
  ),
  allowedOrigins: list(
    "ALLOWED_ORIGINS",
    {
      item: /^(null|[a-z][a-z\d+.-]*:\/\/[^/\s]+)$/,
      form: "origins separated by commas, such as https://console.example.org",
    },
    "Origins of other web pages that may send requests, such as https://console.example.org. Separated by commas. Pages that this server's own names serve may always.",
  ),
  dataDir: text("DATA_DIR", "./data", "Where the embedded stores keep their files."),
  timezone: zone(
    "TIMEZONE",
    "Asia/Shanghai",
    "Zone of tasks that name none, and of times on the compatible routes.",
  ),

  natsUrl: addresses(
    "NATS_URL",
    { form: NATS_ADDRESSES, example: "nats://127.0.0.1:4222" },
    "NATS with JetStream, e.g. nats://127.0.0.1:4222. Empty: all services in one process.",
  ),
  natsStreamMaxBytes: integer(
    "NATS_STREAM_MAX_BYTES",
    1_073_741_824,
    { min: 1_048_576, max: 1_099_511_627_776 },
    "Size of the stream KINIT: handled events leave it in time; full of unhandled ones it refuses more, which the outbox then holds.",
  ),
  natsStreamMaxAgeMs: integer(
    "NATS_STREAM_MAX_AGE_MS",
    604_800_000,
    { min: 60_000, max: 31_536_000_000 },
    "Age from which on handled events leave the stream KINIT; before, they leave only for its size.",
  ),
  mongoUrl: addresses(
    "MONGO_DB_URL",
    {
      form: /^mongodb(\+srv)?:\/\/\S+$/,
      example: "mongodb://127.0.0.1:27017/kinit?replicaSet=rs0",
    },
    "MongoDB replica set, e.g. mongodb://127.0.0.1:27017/kinit?replicaSet=rs0. Empty: the embedded server.",
  ),
  mongoDatabase: text(
    "MONGO_DB_NAME",
    "",
    "Database; empty: the one the URL names (its authSource, then its path), else kinit.",
  ),
  embeddedSync: oneOf(
    "EMBEDDED_MONGO_SYNC",
    "full",
    ["full", "normal"],
    "full: a write is acknowledged after fdatasync; normal: after the operating system has it.",
  ),
  embeddedBudgetBytes: integer(
    "EMBEDDED_MONGO_BUDGET_BYTES",
    2_147_483_648,
    { min: 67_108_864, max: 1_099_511_627_776 },
    "Memory and log of the embedded server may each take this much before the log and /ready say so.",
  ),
  taskEnable: flag(
    "TASK_ENABLE",
    true,
    "false: no task is scheduled; creating, starting and stopping answer so.",
  ),

  leaseMs: integer(
    "SCHEDULER_LEASE_MS",
    5000,
    { min: 300, max: 600_000 },
    "How long the active scheduler's lease lasts; a standby takes over after it.",
  ),
  lookAheadMs: integer(
    "SCHEDULER_LOOK_AHEAD_MS",
    10_000,
    { min: 1000, max: 600_000 },
    "How much of the near future the scheduler holds in memory.",
  ),
  dispatchAheadMs: integer(
    "DISPATCH_AHEAD_MS",
    1500,
    { min: 0, max: 60_000 },
    "How long before its planned time an occurrence is handed to an executor; 0: on time.",
  ),
  claimBatch: integer(
    "SCHEDULER_CLAIM_BATCH",
    500,
    { min: 1, max: 5000 },
    "Occurrences claimed in one transaction.",
  ),

  manualRunsPerMinute: integer(
    "MANUAL_RUNS_PER_MINUTE",
    60,
    { min: 0, max: 1_000_000 },
    "Runs now (run/create, scheduler.runNow) of one task within any minute; beyond them they are refused. 0: no limit.",
  ),

  executorConcurrency: integer(
    "EXECUTOR_CONCURRENCY",
    100,
    { min: 1, max: 10_000 },
    "Handlers that run at the same time in one executor.",
  ),
  executorMaxInFlight: integer(
    "EXECUTOR_MAX_IN_FLIGHT",
    2000,
    { min: 1, max: 50_000 },
    "Runs that one executor holds: running, waiting for a place or for their planned time.",
  ),
  executorAckWaitMs: integer(
    "EXECUTOR_ACK_WAIT_MS",
    30_000,
    { min: 500, max: 3_600_000 },
    "After this silence of an executor another one is given its runs.",
  ),
  handlerTimeoutMs: integer(
    "HANDLER_TIMEOUT_MS",
    3_600_000,
    { min: 1, max: 604_800_000 },
    "Timeout of a run whose task and handler name none.",
  ),
  drainMs: integer(
    "DRAIN_MS",
    20_000,
    { min: 0, max: 3_600_000 },
    "On stop: how long running handlers may take before their runs are handed back.",
  ),
  httpAllowPrivate: flag(
    "HTTP_REQUEST_ALLOW_PRIVATE",
    false,
    "true: the handler http.request may call loopback and private addresses.",
  ),

  recordBatch: integer("RECORDS_BATCH", 500, { min: 1, max: 5000 }, "Events recorded in one transaction."),
  recordLingerMs: integer(
    "RECORDS_LINGER_MS",
    5,
    { min: 0, max: 1000 },
    "How long a batch waits for more events.",
  ),
  runLostMs: integer(
    "RUN_LOST_MS",
    3_600_000,
    { min: 1000, max: 604_800_000 },
    "A run without any sign of life for this long, beyond its timeout, is declared lost.",
  ),
  recordsMaxAgeMs: optionalInteger(
    "RECORDS_MAX_AGE_MS",
    maxAge,
    "Runs and skips older than this are forgotten with their events, except each task's last; 0: never. Not set: 30 days with the embedded server, else never.",
  ),
  recordsMaxPerTask: optionalInteger(
    "RECORDS_MAX_PER_TASK",
    { min: 0, max: 100_000_000 },
    "Of each task the newest so many are kept; 0: all. Not set: 1000 with the embedded server, else all.",
  ),

  crawlerUrl: text(
    "CRAWLER_BILIBILI_URL",
    "https://v.api.aa1.cn/api/bilibili-rs/",
    "Where the bilibili hot list is fetched.",
  ),
  crawlerTimeoutMs: integer("CRAWLER_TIMEOUT_MS", 10_000, ms, "How long one fetch of a hot list may take."),
  crawlerUserAgent: text("CRAWLER_USER_AGENT", "kinit-fast-task", "User-Agent of the crawler."),
  crawlerMaxAgeMs: optionalInteger(
    "CRAWLER_MAX_AGE_MS",
    maxAge,
    "Rows of crawls older than this are forgotten; 0: never. Not set: 30 days with the embedded server, else never.",
  ),

  callTimeoutMs: integer(
    "CALL_TIMEOUT_MS",
    10_000,
    ms,
    "How long a call from one service to another may take.",
  ),
  nodeName: text("NODE_NAME", "", "Name of this process on the bus; empty: the host's name."),
  logLevel: oneOf(
    "LOG_LEVEL",
    "info",
    ["trace", "debug", "info", "warn", "error", "fatal"],
    "Lines below this level are not written.",
  ),
  logFormat: oneOf(
    "LOG_FORMAT",
    "auto",
    ["auto", "json", "pretty"],
    "auto: readable on a terminal, JSON lines elsewhere.",
  ),
} as const;

export type Config = {
  readonly [K in keyof typeof settings]: Exclude<ReturnType<(typeof settings)[K]["parse"]>, Error>;
};

/** A configuration with faults; `data` names every one. Values are not repeated: some are secrets. */
export class InvalidConfig extends AppError {
  constructor(faults: readonly { variable: string; fault: string }[]) {
    const list = faults.map(({ variable, fault }) => `  ${variable} ${fault}`).join("\n");
    super(`The configuration has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n${list}`, {
      type: "CONFIG_INVALID",
      data: faults,
    });
  }
}

/** Reads all settings from an environment; throws `InvalidConfig` with every fault at once. Frozen. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: { variable: string; fault: string }[] = [];
  const entries = Object.entries(settings as Record<string, Setting<unknown>>).map(([name, setting]) => {
    const value = environment[setting.variable]?.trim();
    if (value === undefined || value === "") return [name, setting.fallback];
    const parsed = setting.parse(value);
    if (parsed instanceof Error) faults.push({ variable: setting.variable, fault: parsed.message });
    return [name, parsed];
  });
  if (faults.length > 0) throw new InvalidConfig(faults);
  return Object.freeze(Object.fromEntries(entries)) as Config;
}

const THIRTY_DAYS_MS = 2_592_000_000;

/** The same with the embedded MongoDB server, which holds all data in memory: so not everything is kept for ever. */
export function withEmbeddedStore(config: Config, mongoUrl: string): Config {
  return Object.freeze({
    ...config,
    mongoUrl,
    recordsMaxAgeMs: config.recordsMaxAgeMs ?? THIRTY_DAYS_MS,
    recordsMaxPerTask: config.recordsMaxPerTask ?? 1000,
    crawlerMaxAgeMs: config.crawlerMaxAgeMs ?? THIRTY_DAYS_MS,
  });
}

/** The configuration of this process, read once at the first import of whoever needs it. */
export function loadConfig(): Config {
  return readConfig(process.env);
}

/** Whether commands report their failure with a stack; also where the configuration itself is at fault. */
export function wantsStacks(): boolean {
  return ["debug", "trace"].includes(process.env[settings.logLevel.variable] ?? "");
}
