import { apps } from "./contracts/apps.ts";
import { addresses, flag, integer, list, oneOf, optionalInteger, secret, text, zone } from "./setting.ts";

const ms = { min: 1, max: 3_600_000 };
/** Up to ten years; 0: no limit. */
const maxAge = { min: 0, max: 315_360_000_000 };

const paths = {
  item: /^\/[^\s?#]*$/,
  form: "paths separated by commas, such as /scheduler/task/create",
} as const;

const NATS_ADDRESS = String.raw`((nats|tls)://)?([^\s/@,]+@)?(\[[\da-f:.]+\]|[^\s/:,@[\]]+)(:\d+)?/?`;
const NATS_ADDRESSES = new RegExp(`^${NATS_ADDRESS}(\\s*,\\s*${NATS_ADDRESS})*$`, "i");

/** Every setting. `Config` and `.env.example` are derived from this table. */
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
    "Host names that requests to the gateway may use, in addition to loopback names, SERVER_HOST and, unless that is loopback, any IP address. Separated by commas; .example.org allows all names below it, * any name.",
  ),
  allowedOrigins: list(
    "ALLOWED_ORIGINS",
    {
      item: /^(null|[a-z][a-z\d+.-]*:\/\/[^/\s]+)$/,
      form: "origins separated by commas, such as https://console.example.org",
    },
    "Origins of other web pages that may send requests, such as https://console.example.org, separated by commas. Pages of this server's own origins may always send them.",
  ),
  healthHost: text(
    "HEALTH_HOST",
    "127.0.0.1",
    "Address that /health, /ready and /metrics of each process listen on. 0.0.0.0 opens them to the network.",
  ),
  healthPort: integer(
    "HEALTH_PORT",
    0,
    { min: 0, max: 65_535 },
    "Port of /health, /ready and /metrics of each process. 0: none.",
  ),
  authEnable: flag(
    "AUTH_ENABLE",
    false,
    "true: requests need a login or a token, and the auth service has to run. false: everybody who reaches the gateway may do everything.",
  ),
  accessTokenMs: integer(
    "ACCESS_TOKEN_MS",
    600_000,
    { min: 10_000, max: 86_400_000 },
    "How long an access token is valid.",
  ),
  sessionMs: integer(
    "SESSION_MS",
    2_592_000_000,
    { min: 60_000, max: 31_536_000_000 },
    "A session ends when it was not refreshed for this long.",
  ),
  trustedProxies: list(
    "TRUSTED_PROXIES",
    {
      item: /^(\d{1,3}(\.\d{1,3}){3}(\/(\d|[12]\d|3[0-2]))?|[\da-f:]*:[\da-f:.]*(\/(\d|[1-9]\d|1[01]\d|12[0-8]))?)$/,
      form: "addresses or networks separated by commas, such as 10.0.0.0/8,::1",
    },
    "Addresses and networks of proxies whose X-Forwarded-For is believed, separated by commas. Empty: none is.",
  ),
  requestsPerMinute: integer(
    "REQUESTS_PER_MINUTE",
    6000,
    { min: 0, max: 10_000_000 },
    "Requests of one user, or of one address without a login, within a minute; further ones are rejected. Applies with AUTH_ENABLE=true. 0: no limit.",
  ),
  apiDocsEnable: flag(
    "API_DOCS_ENABLE",
    true,
    "false: the pages /docs, /redoc and /asyncapi are not served. The documents /openapi.json and /asyncapi.json always are.",
  ),
  dataDir: text("DATA_DIR", "./data", "Directory of the embedded server's files."),
  timezone: zone(
    "TIMEZONE",
    "Asia/Shanghai",
    "Time zone of tasks that name none, and of the times in HTTP requests and responses.",
  ),

  natsUrl: secret(
    addresses(
      "NATS_URL",
      { form: NATS_ADDRESSES, example: "nats://127.0.0.1:4222" },
      "NATS with JetStream, e.g. nats://127.0.0.1:4222. Empty: all services in one process.",
    ),
  ),
  natsStreamMaxBytes: integer(
    "NATS_STREAM_MAX_BYTES",
    1_073_741_824,
    { min: 1_048_576, max: 1_099_511_627_776 },
    "Maximum size of the stream KINIT. Handled events are purged to make room; if only unhandled ones are left, publishing is rejected and events wait in the outbox.",
  ),
  natsStreamMaxAgeMs: integer(
    "NATS_STREAM_MAX_AGE_MS",
    604_800_000,
    { min: 60_000, max: 31_536_000_000 },
    "Handled events older than this are purged from the stream KINIT; younger ones only when it needs room.",
  ),
  mongoUrl: secret(
    addresses(
      "MONGO_DB_URL",
      {
        form: /^mongodb(\+srv)?:\/\/\S+$/,
        example: "mongodb://127.0.0.1:27017/kinit?replicaSet=rs0",
      },
      "MongoDB replica set, e.g. mongodb://127.0.0.1:27017/kinit?replicaSet=rs0. Empty: the embedded server.",
    ),
  ),
  mongoDatabase: text(
    "MONGO_DB_NAME",
    "",
    "Database. Empty: the one in the URL (authSource, then the path), else kinit.",
  ),
  embeddedSync: oneOf(
    "EMBEDDED_MONGO_SYNC",
    "full",
    ["full", "normal"],
    "full: a write is acknowledged after fdatasync; normal: once the operating system has it.",
  ),
  embeddedBudgetBytes: integer(
    "EMBEDDED_MONGO_BUDGET_BYTES",
    2_147_483_648,
    { min: 67_108_864, max: 1_099_511_627_776 },
    "The log and /ready warn when the memory or the files of the embedded server exceed this size.",
  ),
  ormEnable: flag(
    "ORM_DB_ENABLE",
    true,
    "false: the auth service does not run; requests for users and roles are rejected.",
  ),
  ormDatabaseUrl: secret(
    addresses(
      "ORM_DATABASE_URL",
      {
        form: /^postgres(ql)?(\+\w+)?:\/\/\S+$/i,
        example: "postgresql://kinit:password@127.0.0.1:5432/kinit",
      },
      "PostgreSQL of the auth service, e.g. postgresql://kinit:password@127.0.0.1:5432/kinit; postgresql+asyncpg:// is understood. Empty: the embedded one in DATA_DIR/postgres.",
    ),
  ),
  ormDatabaseEcho: flag("ORM_DB_ECHO", false, "true: SQL statements are logged, with their values."),
  taskEnable: flag(
    "TASK_ENABLE",
    true,
    "false: no task is scheduled; requests to create, start or stop tasks are rejected.",
  ),

  leaseMs: integer(
    "SCHEDULER_LEASE_MS",
    5000,
    { min: 300, max: 600_000 },
    "Length of the active scheduler's lease. A standby takes over when it has run out.",
  ),
  lookAheadMs: integer(
    "SCHEDULER_LOOK_AHEAD_MS",
    10_000,
    { min: 1000, max: 600_000 },
    "How far ahead the scheduler loads tasks into memory.",
  ),
  dispatchAheadMs: integer(
    "DISPATCH_AHEAD_MS",
    1500,
    { min: 0, max: 60_000 },
    "How long before its planned time an occurrence is dispatched to an executor. 0: at its planned time.",
  ),
  maxTaskBatch: integer(
    "SCHEDULER_CLAIM_BATCH",
    500,
    { min: 1, max: 5000 },
    "Tasks written in one transaction at most.",
  ),

  manualRunsPerMinute: integer(
    "MANUAL_RUNS_PER_MINUTE",
    60,
    { min: 0, max: 1_000_000 },
    "How often one task may be run now (run/create, scheduler.runNow) within any minute; further requests are rejected. 0: no limit.",
  ),

  executorConcurrency: integer(
    "EXECUTOR_CONCURRENCY",
    100,
    { min: 1, max: 10_000 },
    "Slots of one executor: handlers that run at the same time.",
  ),
  executorMaxInFlight: integer(
    "EXECUTOR_MAX_IN_FLIGHT",
    2000,
    { min: 1, max: 50_000 },
    "Runs in flight in one executor: running, or waiting for a slot or for their planned time.",
  ),
  executorAckWaitMs: integer(
    "EXECUTOR_ACK_WAIT_MS",
    30_000,
    { min: 500, max: 3_600_000 },
    "The runs of an executor that has been silent for this long are delivered to another one.",
  ),
  handlerTimeoutMs: integer(
    "HANDLER_TIMEOUT_MS",
    3_600_000,
    { min: 1, max: 604_800_000 },
    "Timeout of runs whose task and handler define none.",
  ),
  drainMs: integer(
    "DRAIN_MS",
    20_000,
    { min: 0, max: 3_600_000 },
    "On stop: how long running handlers may continue before they are aborted and their runs requeued. A process that has not stopped after twice this time plus 20 s ends in any case.",
  ),
  httpAllowPrivate: flag(
    "HTTP_REQUEST_ALLOW_PRIVATE",
    false,
    "true: the handler http.request may call loopback and private addresses.",
  ),
  moleculerCallAllow: list(
    "MOLECULER_CALL_ALLOW",
    {
      item: /^(\*|(?!(\$node|auth|executor|gateway)(\.|$))[\w$-]+(\.[\w$-]+)*\.([\w$-]+|\*))$/,
      form: "actions separated by commas, such as scheduler.runNow,mail.*; those of $node, auth, executor and gateway cannot be allowed",
      fallback: ["*"],
      keepsCase: true,
    },
    "Actions that the handler moleculer.call may call, separated by commas: names, <service>.* for all actions of a service, * for those of all services except the platform's own. Actions of scheduler, records and crawler have to be named, those of $node, auth, executor and gateway cannot be.",
  ),

  recordBatch: integer("RECORDS_BATCH", 500, { min: 1, max: 5000 }, "Events recorded in one transaction."),
  recordLingerMs: integer(
    "RECORDS_LINGER_MS",
    5,
    { min: 0, max: 1000 },
    "How long a batch waits for further events.",
  ),
  runLostMs: integer(
    "RUN_LOST_MS",
    3_600_000,
    { min: 1000, max: 604_800_000 },
    "A run that reports nothing for this long after its timeout is recorded as lost.",
  ),
  recordsMaxAgeMs: optionalInteger(
    "RECORDS_MAX_AGE_MS",
    maxAge,
    "Runs and skips older than this are purged with their events, except the latest of each task. 0: never. Default: 30 days with the embedded server, else never.",
  ),
  recordsMaxPerTask: optionalInteger(
    "RECORDS_MAX_PER_TASK",
    { min: 0, max: 100_000_000 },
    "How many of its newest runs and skips each task keeps. 0: all. Default: 1000 with the embedded server, else all.",
  ),

  apps: list(
    "APPS",
    {
      item: new RegExp(`^(${apps.join("|")})$`),
      form: `names separated by commas, of ${apps.join(", ")}`,
      fallback: apps,
    },
    "The groups of routes that are served, in the order in which documents list them. The routes of the platform itself are always served.",
  ),
  demoEnv: flag(
    "DEMO_ENV",
    false,
    "true: for demonstrations; only GET is accepted, and other methods on the paths of DEMO_WHITE_LIST_PATH.",
  ),
  demoWhiteList: list("DEMO_WHITE_LIST_PATH", paths, "Paths that DEMO_ENV leaves open, separated by commas."),
  demoBlackList: list(
    "DEMO_BLACK_LIST_PATH",
    paths,
    "Paths that DEMO_ENV closes although they are in DEMO_WHITE_LIST_PATH.",
  ),
  requestLogRecord: flag(
    "REQUEST_LOG_RECORD",
    true,
    "Whether each request writes a line to the log. Errors are always logged.",
  ),
  localEnable: flag(
    "LOCAL_ENABLE",
    true,
    "Whether uploads can be stored on this server and are served under /media.",
  ),
  localPath: text("LOCAL_PATH", "", "Directory of stored uploads. Empty: media in DATA_DIR."),
  tempEnable: flag("TEMP_ENABLE", true, "Whether temporary files can be uploaded."),
  tempPath: text("TEMP_PATH", "", "Directory of temporary uploads. Empty: temp in DATA_DIR."),
  tempMaxAgeMs: integer(
    "TEMP_MAX_AGE_MS",
    86_400_000,
    maxAge,
    "Temporary uploads older than this are deleted. 0: never.",
  ),

  operationLogRecord: flag(
    "OPERATION_LOG_RECORD",
    true,
    "Whether the operation log records the requests that change something.",
  ),
  operationRecordMethods: list(
    "OPERATION_RECORD_METHOD",
    {
      item: /^(get|post|put|delete)$/,
      form: "methods separated by commas, such as POST,PUT,DELETE",
      fallback: ["post", "put", "delete"],
    },
    "The methods that the operation log records.",
  ),
  ignoredOperations: list(
    "IGNORE_OPERATION_ROUTER",
    {
      item: /^(\/[^\s?#]*|\w+(\.\w+)?)$/,
      form: "paths or names of operations separated by commas, such as /system/storage/local/create,scheduler_task.run_create",
    },
    "Paths, or names of operations with or without their group, that the operation log does not record; separated by commas.",
  ),
  operationsMaxAgeMs: optionalInteger(
    "OPERATIONS_MAX_AGE_MS",
    maxAge,
    "Whole days of the operation log that are older than this are purged. 0: never. Default: 30 days with the embedded server, else never.",
  ),

  crawlerUrl: text(
    "CRAWLER_BILIBILI_URL",
    "https://v.api.aa1.cn/api/bilibili-rs/",
    "URL of the bilibili hot list.",
  ),
  crawlerTimeoutMs: integer("CRAWLER_TIMEOUT_MS", 10_000, ms, "Time limit of one fetch of a hot list."),
  crawlerUserAgent: text("CRAWLER_USER_AGENT", "kinit-fast-task", "User-Agent of the crawler."),
  crawlerMaxAgeMs: optionalInteger(
    "CRAWLER_MAX_AGE_MS",
    maxAge,
    "Rows of older crawls are purged. 0: never. Default: 30 days with the embedded server, else never.",
  ),

  callTimeoutMs: integer("CALL_TIMEOUT_MS", 10_000, ms, "Time limit of a call from one service to another."),
  nodeName: text("NODE_NAME", "", "Name of this process on the bus. Empty: the host name."),
  logLevel: oneOf(
    "LOG_LEVEL",
    "info",
    ["trace", "debug", "info", "warn", "error", "fatal"],
    "Lowest level that is logged.",
  ),
  logFormat: oneOf(
    "LOG_FORMAT",
    "auto",
    ["auto", "json", "pretty"],
    "auto: text on a terminal, JSON lines otherwise.",
  ),
} as const;
