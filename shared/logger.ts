import type { BrokerOptions } from "moleculer";
import { type DestinationStream, type LogFn, type Logger, type LoggerOptions, pino } from "pino";
import { build as prettyStream } from "pino-pretty";
import type { Config } from "./config.ts";
import { errorType } from "./errors.ts";
import { isPlainObject, isSecretName, MASK } from "./secret-mask.ts";

type LogConfig = Pick<Config, "logLevel" | "logFormat">;

/** Values nested deeper than this are cut, which also ends cycles. */
const DEEPEST = 6;

/**
 * Creates the logger of a process: one JSON object a line, or text, depending on `LOG_FORMAT` and the terminal. Members
 * with secret names are masked at any depth; errors keep type, stack and cause. Both pino's `(fields, message)` and
 * Moleculer's `(message, fields)` are accepted.
 */
export function createLogger(config: LogConfig, destination?: DestinationStream): Logger {
  const options: LoggerOptions = {
    level: config.logLevel,
    timestamp: pino.stdTimeFunctions.isoTime,
    // `loggable` converts errors at any depth; pino's own serializer would process its result again.
    serializers: { err: (error: unknown) => error },
    formatters: {
      level: (label: string) => ({ level: label }),
      log: (fields: object) => loggable(fields, 0) as Record<string, unknown>,
    },
    hooks: {
      logMethod(args, method) {
        method.apply(this, fieldsFirst(args) as Parameters<LogFn>);
      },
    },
  };
  return pino(options, destination ?? (isPretty(config) ? pretty() : undefined) ?? stdout());
}

/**
 * The `logger` option of a broker: every module's logger is a child of the process's logger. Moleculer's own messages
 * are logged at debug unless `isVerbose`.
 */
export function brokerLogger(
  config: LogConfig,
  root: Logger = createLogger(config),
  isVerbose = false,
): BrokerOptions["logger"] {
  return {
    type: "Pino",
    options: {
      level: config.logLevel,
      createLogger(level: string, bindings: { mod: string }) {
        const child = root.child(bindings, { level });
        return isVerbose || bindings.mod === "bus" ? child : withoutFramework(child);
      },
    },
  } as BrokerOptions["logger"];
}

/** The caller of `broker.start()` receives the same error and reports it. */
const START_FAILED = "Unable to start all services.";

/** Moleculer passes the message first, our services pass fields first; this distinguishes their lines. */
function withoutFramework(child: Logger): Logger {
  const quiet = Object.create(child) as Logger;
  const info = (...args: [never]) =>
    typeof args[0] === "string" ? child.debug(...args) : child.info(...args);
  const error = (...args: [never]) =>
    args[0] === START_FAILED ? child.debug(...args) : child.error(...args);
  return Object.assign(quiet, { info, error });
}

function isPretty({ logFormat }: LogConfig): boolean {
  return logFormat === "pretty" || (logFormat === "auto" && process.stdout.isTTY === true);
}

/** Writes synchronously, so that the last lines before a crash or an exit are not lost. */
function pretty(): DestinationStream {
  return prettyStream({
    destination: 1,
    sync: true,
    translateTime: "SYS:HH:MM:ss.l",
    ignore: "pid,hostname,nodeID,ns",
  });
}
/** Reports a closed reader to the process if it listens for errors; pino itself would only stop writing. */
function stdout(): DestinationStream {
  const stream = pino.destination({ dest: 1, sync: true });
  return stream.on("error", (error) => {
    if (process.stdout.listenerCount("error") > 0) process.stdout.destroy(error);
  });
}

/** Pino drops arguments after a message without placeholders; fields and errors there would be lost. */
function fieldsFirst(args: unknown[]): unknown[] {
  const [message, ...rest] = args;
  if (typeof message !== "string" || rest.length === 0 || message.includes("%")) return args;
  const texts = [message, ...rest.filter((part) => typeof part !== "object" || part === null)].join(" ");
  const objects = rest.filter((part) => typeof part === "object" && part !== null);
  if (objects.length === 0) return [texts];
  return [Object.assign({}, ...objects.map((part) => (part instanceof Error ? { err: part } : part))), texts];
}

function loggable(value: unknown, depth: number): unknown {
  if (value instanceof Error) return loggable(plainError(value), depth);
  const isArray = Array.isArray(value);
  if (!isArray && !isPlainObject(value)) return value;
  if (depth === DEEPEST) return isArray ? "[array]" : "[object]";
  if (isArray) return value.map((inner) => loggable(inner, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      isSecretName(name) ? MASK : loggable(inner, depth + 1),
    ]),
  );
}

function plainError(error: Error): Record<string, unknown> {
  const { code, data, cause } = error as Error & { code?: unknown; data?: unknown };
  return {
    type: errorType(error) ?? error.name,
    message: error.message,
    stack: error.stack,
    ...(code === undefined ? {} : { code }),
    ...(data === undefined ? {} : { data }),
    ...(cause === undefined ? {} : { cause }),
  };
}
