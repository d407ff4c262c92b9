import { ObjectId } from "mongodb";
import type { TaskView } from "../../../shared/contracts/scheduler-actions.ts";
import { taskDefaults } from "../../../shared/contracts/task-definition.ts";
import type { Definition } from "../task/definition.ts";
import { type DefinedTask, nextRetryAt, type OpenRun } from "../task/task-state.ts";

/** A task as stored in `scheduler_task_list`: the fields of the Python original under their names, then ours. */
export interface TaskDocument {
  readonly _id: ObjectId;
  readonly name: string;
  readonly group: string | null;
  readonly job_class: string;
  /** The Python original stored some as JSON text. */
  readonly job_params: Readonly<Record<string, unknown>> | string;
  readonly exec_strategy: DefinedTask["definition"]["strategy"];
  readonly expression: string | null;
  readonly is_active: boolean;
  readonly remark: string | null;
  readonly start_datetime: Date | null;
  readonly end_datetime: Date | null;
  readonly create_datetime: Date;
  readonly update_datetime: Date;
  readonly last_run_datetime: Date | null;
  /** Absent in documents of version 0.1: then the time of the last run. */
  readonly settled_until?: Date | null;
  readonly timezone: string;
  readonly cron_dialect: DefinedTask["definition"]["cronDialect"];
  readonly misfire_policy: DefinedTask["definition"]["misfire"];
  readonly misfire_grace_ms: number;
  readonly overlap_policy: DefinedTask["definition"]["overlap"];
  readonly timeout_ms: number | null;
  /** These four are left out where they have their defaults, as in documents of version 0.1. */
  readonly retry_limit?: number;
  readonly retry_backoff?: NonNullable<Definition["retryBackoff"]>;
  readonly retry_delay_ms?: number;
  readonly retry_max_delay_ms?: number;
  readonly status: DefinedTask["status"];
  readonly next_run_at: Date | null;
  readonly anchor_datetime: Date;
  readonly running: readonly RunningDocument[];
  /** When the first of its retries is due; absent where none is. */
  readonly next_retry_at?: Date;
  /** Events on the task's stream that this state has folded. */
  readonly version: number;
}

interface RunningDocument {
  readonly run_id: string;
  readonly attempt: number;
  readonly planned_datetime: Date;
  readonly is_revoked: boolean;
  readonly may_have_started?: boolean;
  readonly may_retry?: boolean;
  readonly retry_datetime?: Date;
  readonly cancelled_datetime?: Date;
  readonly cancelled_by?: string | null;
}

export function toDocument(task: DefinedTask, version: number): TaskDocument {
  const { definition } = task;
  return {
    _id: new ObjectId(task.taskId),
    name: definition.name,
    group: definition.group,
    job_class: definition.handler,
    job_params: definition.params,
    exec_strategy: definition.strategy,
    expression: definition.expression,
    remark: definition.remark,
    start_datetime: date(definition.startAt),
    end_datetime: date(definition.endAt),
    create_datetime: new Date(task.createdAt),
    timezone: definition.timezone,
    cron_dialect: definition.cronDialect,
    misfire_policy: definition.misfire,
    misfire_grace_ms: definition.misfireGraceMs,
    overlap_policy: definition.overlap,
    timeout_ms: definition.timeoutMs,
    ...retrying(definition),
    ...progress(task, version),
    ...nextRetry(task),
  };
}

function retrying(definition: Definition) {
  const { retryLimit, retryBackoff, retryDelayMs, retryMaxDelayMs } = definition;
  return {
    ...unlessDefault("retry_limit", retryLimit, taskDefaults.retryLimit),
    ...unlessDefault("retry_backoff", retryBackoff, taskDefaults.retryBackoff),
    ...unlessDefault("retry_delay_ms", retryDelayMs, taskDefaults.retryDelayMs),
    ...unlessDefault("retry_max_delay_ms", retryMaxDelayMs, taskDefaults.retryMaxDelayMs),
  };
}

function unlessDefault<K extends string, V>(field: K, value: V | undefined, byDefault: V) {
  return value === undefined || value === byDefault ? {} : ({ [field]: value } as Record<K, V>);
}

function nextRetry(task: DefinedTask) {
  const at = nextRetryAt(task);
  return at === null ? {} : { next_retry_at: new Date(at) };
}

/** The update of the instant at which the task's next retry is due. */
export function nextRetryUpdate(task: DefinedTask) {
  const set = nextRetry(task);
  return set.next_retry_at ? { $set: set } : { $unset: { next_retry_at: "" as const } };
}

/** The fields that change without the definition: those that a dispatched or ended run changes. */
function progress(task: DefinedTask, version: number) {
  return {
    is_active: task.status === "active",
    update_datetime: new Date(task.updatedAt),
    last_run_datetime: date(task.lastRunAt),
    settled_until: date(task.accountedUntil),
    status: task.status,
    next_run_at: date(task.nextRunAt),
    anchor_datetime: new Date(task.anchorAt),
    running: task.openRuns.map(runningDocument),
    version,
  };
}

function runningDocument({
  runId,
  attempt,
  plannedAt,
  isRevoked,
  mayHaveStarted,
  cancellation,
  mayRetry,
  retryAt,
}: DefinedTask["openRuns"][number]): RunningDocument {
  const document = { run_id: runId, attempt, planned_datetime: new Date(plannedAt), is_revoked: isRevoked };
  if (!isRevoked && !mayRetry && retryAt === undefined) return document;
  return {
    ...document,
    ...(mayRetry && { may_retry: true }),
    ...(retryAt !== undefined && { retry_datetime: new Date(retryAt) }),
    ...(mayHaveStarted && { may_have_started: true }),
    ...(cancellation && {
      cancelled_datetime: new Date(cancellation.at),
      cancelled_by: cancellation.by,
    }),
  };
}

/** Those of the fields that changed: a task that runs each second is written each second, so the update is small. */
function progressSince(before: DefinedTask, after: DefinedTask): Partial<ReturnType<typeof progress>> {
  return {
    ...(before.status === after.status ? {} : { is_active: after.status === "active", status: after.status }),
    ...(before.updatedAt === after.updatedAt ? {} : { update_datetime: new Date(after.updatedAt) }),
    ...(before.lastRunAt === after.lastRunAt ? {} : { last_run_datetime: date(after.lastRunAt) }),
    ...(before.accountedUntil === after.accountedUntil ? {} : { settled_until: date(after.accountedUntil) }),
    ...(before.nextRunAt === after.nextRunAt ? {} : { next_run_at: date(after.nextRunAt) }),
    ...(before.anchorAt === after.anchorAt ? {} : { anchor_datetime: new Date(after.anchorAt) }),
    ...(before.openRuns === after.openRuns ? {} : { running: after.openRuns.map(runningDocument) }),
  };
}

/** The update from `before` to `after`. If runs were only added, just these are sent. */
export function updateSince(before: DefinedTask, after: DefinedTask, version: number) {
  const { running, ...fields } = progressSince(before, after);
  const added = addedRuns(before, after);
  if (running === undefined || added === null) {
    const { $set = {}, ...unset } = hasRetries(before, after) ? nextRetryUpdate(after) : {};
    return { $set: { ...fields, ...$set, ...(running === undefined ? {} : { running }), version }, ...unset };
  }
  return { $set: { ...fields, version }, $push: { running: { $each: added.map(runningDocument) } } };
}

/** True if the instant of the next retry may have changed. */
export function hasRetries(before: DefinedTask, after: DefinedTask): boolean {
  const waits = ({ openRuns }: DefinedTask) => openRuns.some(({ retryAt }) => retryAt !== undefined);
  return waits(before) || waits(after);
}

function addedRuns(before: DefinedTask, after: DefinedTask): readonly OpenRun[] | null {
  const isPrefix = before.openRuns.every((run, index) => after.openRuns[index] === run);
  return isPrefix ? after.openRuns.slice(before.openRuns.length) : null;
}

export function fromDocument(document: TaskDocument): DefinedTask {
  const definition = definitionOf(document);
  return {
    status: document.status,
    taskId: document._id.toHexString(),
    definition,
    anchorAt: document.anchor_datetime.getTime(),
    createdAt: document.create_datetime.getTime(),
    updatedAt: document.update_datetime.getTime(),
    lastRunAt: document.last_run_datetime?.getTime() ?? null,
    accountedUntil: (document.settled_until ?? document.last_run_datetime)?.getTime() ?? null,
    nextRunAt: document.next_run_at?.getTime() ?? null,
    openRuns: storedRunsOf(document),
  };
}

/** The runs alone: they can be read whatever the definition has become. */
export function storedRunsOf({ running }: Pick<TaskDocument, "running">): readonly OpenRun[] {
  return running.map(storedRun);
}

function storedRun(run: RunningDocument): OpenRun {
  const { cancelled_datetime, cancelled_by = null, retry_datetime } = run;
  return {
    runId: run.run_id,
    attempt: run.attempt,
    plannedAt: run.planned_datetime.getTime(),
    isRevoked: run.is_revoked,
    ...(run.may_have_started && { mayHaveStarted: true }),
    ...(run.may_retry && { mayRetry: true }),
    ...(retry_datetime && { retryAt: retry_datetime.getTime() }),
    ...(cancelled_datetime && { cancellation: { at: cancelled_datetime.toISOString(), by: cancelled_by } }),
  };
}

/** The task as the API returns it, also if its trigger is no longer valid. */
export function toView(document: TaskDocument): TaskView {
  return {
    id: document._id.toHexString(),
    ...definitionOf(document),
    isActive: document.status === "active",
    status: document.status,
    createdAt: document.create_datetime.toISOString(),
    updatedAt: document.update_datetime.toISOString(),
    lastRunAt: isoOrNull(document.last_run_datetime),
    nextRunAt: isoOrNull(document.next_run_at),
  };
}

function definitionOf(document: TaskDocument): Definition {
  return {
    name: document.name,
    group: document.group,
    handler: document.job_class,
    params: paramsOf(document.job_params),
    strategy: document.exec_strategy,
    expression: document.expression,
    remark: document.remark,
    startAt: isoOrNull(document.start_datetime),
    endAt: isoOrNull(document.end_datetime),
    timezone: document.timezone,
    cronDialect: document.cron_dialect,
    misfire: document.misfire_policy,
    misfireGraceMs: document.misfire_grace_ms,
    overlap: document.overlap_policy,
    timeoutMs: document.timeout_ms,
    retryLimit: document.retry_limit ?? taskDefaults.retryLimit,
    retryBackoff: document.retry_backoff ?? taskDefaults.retryBackoff,
    retryDelayMs: document.retry_delay_ms ?? taskDefaults.retryDelayMs,
    retryMaxDelayMs: document.retry_max_delay_ms ?? taskDefaults.retryMaxDelayMs,
  };
}

function paramsOf(stored: TaskDocument["job_params"]): Readonly<Record<string, unknown>> {
  return typeof stored === "string" ? (JSON.parse(stored) as Record<string, unknown>) : stored;
}

const date = (value: string | number | null): Date | null => (value === null ? null : new Date(value));
const isoOrNull = (value: Date | null): string | null => value?.toISOString() ?? null;
