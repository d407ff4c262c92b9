import type { Random } from "./random.ts";
import { CRON_SECONDS } from "./rhythm.ts";

/** A task to be created; `dateInMs` stands for an instant that is only known when the round runs. */
export interface PlannedTask {
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly dateInMs?: number;
  readonly endInMs?: number;
}

const ZONES = ["Asia/Shanghai", "Asia/Kolkata", "America/New_York", "UTC", null];
const STRATEGIES = ["interval", "interval", "interval", "cron", "cron", "cron", "date", "once"] as const;

export function planTask(key: string, seconds: number, random: Random): PlannedTask {
  if (random.chance(0.03)) return planBacklog(key, random);
  const kind = random.pick(STRATEGIES);
  const common = {
    exec_strategy: kind,
    is_active: random.chance(0.95),
    overlap_policy: random.pick(["skip", "skip", "allow"]),
    misfire_policy: random.pick(["fire_once", "fire_once", "skip", "fire_all"]),
    misfire_grace_ms: random.pick([null, null, 0, 300, 5000]),
    timeout_ms: random.chance(0.2) ? random.whole(200, 2500) : null,
    timezone: kind === "cron" ? random.pick(ZONES) : null,
    ...handler(key, random),
  };
  const end = random.chance(0.1) ? { endInMs: random.whole(5000, seconds * 1000) } : {};
  switch (kind) {
    case "interval":
      return {
        key,
        body: { ...common, expression: `${random.pick([1, 1, 1, 2, 3, 5, 13])} * * * *` },
        ...end,
      };
    case "cron": {
      const { dialect, expression } = random.pick(CRON_SECONDS);
      return { key, body: { ...common, cron_dialect: dialect, expression }, ...end };
    }
    case "date":
      return { key, body: common, dateInMs: random.whole(-2000, seconds * 1000) };
    case "once":
      return { key, body: common };
  }
}

/** Due faster than it runs, so that its runs wait for places, where a stop must find them. */
function planBacklog(key: string, random: Random): PlannedTask {
  return {
    key,
    body: {
      exec_strategy: "interval",
      expression: "1 * * * *",
      is_active: true,
      overlap_policy: "allow",
      misfire_policy: random.pick(["fire_once", "fire_all"]),
      job_class: "http.request",
      job_params: { url: `sink:/${key}?takes=6000&failing=0` },
    },
  };
}

/** Most call the sink, which takes its time and sometimes fails; a few run the demonstration of two seconds. */
function handler(key: string, random: Random): object {
  if (random.chance(0.1)) return { job_class: "test.main.Test", job_params: { name: "soak", age: 3 } };
  const takesMs = random.pick([0, 0, 0, 50, 400, 1200, 3000]);
  const failing = random.pick([0, 0, 0, 30, 100]);
  return {
    job_class: "http.request",
    job_params: { url: `sink:/${key}?takes=${takesMs}&failing=${failing}` },
  };
}
