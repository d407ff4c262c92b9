import { readFileSync } from "node:fs";
import { AppError, errorMessage } from "./errors.ts";
import type { Setting } from "./setting.ts";
import { settings } from "./settings.ts";

export type Config = {
  readonly [K in keyof typeof settings]: Exclude<ReturnType<(typeof settings)[K]["parse"]>, Error>;
};

/** An invalid configuration; `data` names every fault. Values are not repeated, since some are secrets. */
export class InvalidConfig extends AppError {
  constructor(faults: readonly { variable: string; fault: string }[]) {
    const list = faults.map(({ variable, fault }) => `  ${variable} ${fault}`).join("\n");
    super(`The configuration has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n${list}`, {
      type: "CONFIG_INVALID",
      data: faults,
    });
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads all settings from an environment, and secret ones also from files: `NATS_URL_FILE=/run/secrets/nats`. The result
 * is frozen.
 *
 * @throws InvalidConfig with all faults
 */
export function readConfig(environment: Environment): Config {
  const faults: { variable: string; fault: string }[] = [];
  const entries = Object.entries(settings as Record<string, Setting<unknown>>).map(([name, setting]) => {
    const parsed = readSetting(setting, environment);
    if (parsed instanceof Error) faults.push({ variable: setting.variable, fault: parsed.message });
    return [name, parsed];
  });
  if (faults.length > 0) throw new InvalidConfig(faults);
  return Object.freeze(Object.fromEntries(entries)) as Config;
}

function readSetting(setting: Setting<unknown>, environment: Environment): unknown {
  const value = setting.isSecret
    ? secretText(setting.variable, environment)
    : environment[setting.variable]?.trim();
  if (value === undefined || value === "") return setting.fallback;
  return value instanceof Error ? value : setting.parse(value);
}

/** The value of the variable, or the content of the file that `<variable>_FILE` names. */
function secretText(variable: string, environment: Environment): string | undefined | Error {
  const value = environment[variable]?.trim();
  const path = environment[`${variable}_FILE`]?.trim();
  if (!path) return value;
  if (value) return new Error(`is set, and so is ${variable}_FILE: set one of them`);
  try {
    const content = readFileSync(path, "utf8").trim();
    return content === "" ? new Error(`is empty: ${variable}_FILE names the empty file ${path}`) : content;
  } catch (error) {
    return new Error(`cannot be read from the file of ${variable}_FILE: ${errorMessage(error)}`);
  }
}

const THIRTY_DAYS_MS = 2_592_000_000;

/** The same configuration with the embedded MongoDB server, which holds all data in memory and therefore purges old runs. */
export function withEmbeddedStore(config: Config, mongoUrl: string): Config {
  return Object.freeze({
    ...config,
    mongoUrl,
    recordsMaxAgeMs: config.recordsMaxAgeMs ?? THIRTY_DAYS_MS,
    recordsMaxPerTask: config.recordsMaxPerTask ?? 1000,
    operationsMaxAgeMs: config.operationsMaxAgeMs ?? THIRTY_DAYS_MS,
    crawlerMaxAgeMs: config.crawlerMaxAgeMs ?? THIRTY_DAYS_MS,
  });
}

/**
 * Reads the configuration from the environment of this process. Entry points call it once and pass the result on.
 *
 * @throws InvalidConfig
 */
export function loadConfig(): Config {
  return readConfig(process.env);
}

/** Whether commands print the stack of an error. Works even if the configuration is invalid. */
export function wantsStacks(): boolean {
  return ["debug", "trace"].includes(process.env[settings.logLevel.variable] ?? "");
}
