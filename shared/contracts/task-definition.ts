import { retryPolicy } from "./retry-policy.ts";

export const EXEC_STRATEGIES = ["interval", "date", "cron", "once"] as const;
export const CRON_DIALECTS = ["kinit", "quartz", "unix"] as const;
export const MISFIRE_POLICIES = ["fire_once", "skip", "fire_all"] as const;
export const OVERLAP_POLICIES = ["skip", "allow"] as const;
export type ExecStrategy = (typeof EXEC_STRATEGIES)[number];
/** How a cron expression is read: as the Python original did, as Quartz does, or as crontab(5) describes. */
export type CronDialect = (typeof CRON_DIALECTS)[number];
/** What becomes of occurrences whose time passed without a dispatch. */
export type MisfirePolicy = (typeof MISFIRE_POLICIES)[number];
/** What becomes of an occurrence that is due while a run of the same task is open. */
export type OverlapPolicy = (typeof OVERLAP_POLICIES)[number];
export const SKIP_REASONS = ["overlap", "misfire", "coalesced", "calendar"] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

/**
 * A task as it is defined: what to run, when, and under which policies. Instants are ISO-8601 UTC. Events, actions and
 * views have these fields; stores and the HTTP API map each of them in one table.
 */
export const taskDefinition = {
  name: { type: "string", min: 1, max: 255 },
  group: { type: "string", max: 255, nullable: true },
  /** Name of the handler; `job_class` on the wire and in the stored document. */
  handler: { type: "string", min: 1, max: 255 },
  params: { type: "record" },
  strategy: { type: "enum", values: EXEC_STRATEGIES },
  expression: { type: "string", max: 255, nullable: true },
  remark: { type: "string", max: 4000, nullable: true },
  startAt: { type: "instant", nullable: true },
  endAt: { type: "instant", nullable: true },
  timezone: { type: "string", max: 64 },
  cronDialect: { type: "enum", values: CRON_DIALECTS },
  misfire: { type: "enum", values: MISFIRE_POLICIES },
  /** An occurrence that is late by no more than this is not a misfire. */
  misfireGraceMs: { type: "number", integer: true, min: 0, max: 86_400_000 },
  overlap: { type: "enum", values: OVERLAP_POLICIES },
  /** An attempt is aborted after this; null leaves it to the handler's own limit. */
  timeoutMs: { type: "number", integer: true, min: 1, max: 604_800_000, nullable: true },
  /** Retries of failed attempts. These four are absent in the events of version 0.1. */
  retryLimit: { ...retryPolicy.limit, optional: true },
  retryBackoff: { ...retryPolicy.backoff, optional: true },
  retryDelayMs: { ...retryPolicy.delayMs, optional: true },
  retryMaxDelayMs: { ...retryPolicy.maxDelayMs, optional: true },
} as const;

/** What a caller may leave out, with what then holds. The time zone is left out, too: its default is a setting. */
export const taskDefaults = {
  cronDialect: "kinit",
  misfire: "fire_once",
  misfireGraceMs: 1000,
  overlap: "skip",
  timeoutMs: null,
  retryLimit: 0,
  retryBackoff: "exponential",
  retryDelayMs: 1000,
  retryMaxDelayMs: 3_600_000,
} as const;

export const exampleDefinition = {
  name: "greet",
  group: "demo",
  handler: "test.main.Test",
  params: { name: "kinit", age: 3 },
  strategy: "interval",
  expression: "10 * * * *",
  remark: null,
  startAt: null,
  endAt: null,
  timezone: "Asia/Shanghai",
  ...taskDefaults,
} as const;
