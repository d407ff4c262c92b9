import { ObjectId } from "mongodb";
import type { RecordView } from "../../../shared/contracts/records-actions.ts";
import { isOpen, type Outcome, type RunRecord } from "./record.ts";

/**
 * A record as stored in `scheduler_task_record`: the fields of the Python original under their names and in their form
 * (`retval`, `exception` and `traceback` are JSON texts), then ours. Unknown and empty fields are left out.
 */
export interface RecordDocument {
  readonly _id: ObjectId;
  readonly task_id: string;
  /** Planned time. */
  readonly start_datetime: Date;
  readonly end_datetime?: Date;
  /** Seconds from planned time to end. */
  readonly process_time?: number;
  readonly retval?: string;
  readonly exception?: string;
  readonly traceback?: string;
  readonly name?: string;
  readonly group?: string | null;
  readonly job_class?: string;
  readonly job_params?: Readonly<Record<string, unknown>> | string;
  readonly exec_strategy?: NonNullable<RunRecord["described"]>["strategy"];
  readonly expression?: string | null;
  readonly create_datetime: Date;
  readonly update_datetime: Date;
  readonly status?: RunRecord["status"];
  readonly error_type?: string;
  readonly skip?: { readonly reason: string; readonly count: number; readonly last_planned_datetime: Date };
  readonly timeout_ms?: number;
  readonly attempts?: readonly AttemptDocument[];
  /** When the latest retry is due; only runs that were retried have it. */
  readonly retry_datetime?: Date;
  readonly cancelled_datetime?: Date;
  readonly cancelled_by?: string | null;
  readonly progress?: { readonly at: Date; readonly percent: number; readonly message: string | null };
  readonly log?: readonly {
    readonly at: Date;
    readonly level: string;
    readonly message: string;
    readonly attempt?: number;
  }[];
  readonly contradictions?: number;
  /** When the run counts as lost; absent once it has an outcome. */
  readonly open_until?: Date;
  /** Events on the run's stream. */
  readonly version?: number;
}

interface AttemptDocument {
  readonly executor: string;
  readonly started_datetime: Date;
  readonly ended_datetime?: Date;
  readonly outcome?: Outcome;
  readonly attempt?: number;
  readonly error?: { readonly type: string; readonly message: string };
}

export function toDocument(
  record: RunRecord,
  { version, openUntil }: { version: number; openUntil: Date },
): RecordDocument {
  const { described, error, skip, attempts, cancellation, progress, log, endedAt } = record;
  return {
    _id: new ObjectId(record.runId),
    task_id: record.taskId,
    start_datetime: new Date(record.plannedAt),
    ...(endedAt === null ? {} : ending(record, endedAt)),
    ...(described === null ? {} : describing(described)),
    ...(record.timeoutMs === null ? {} : { timeout_ms: record.timeoutMs }),
    create_datetime: new Date(record.createdAt),
    update_datetime: new Date(record.updatedAt),
    status: record.status,
    ...(error === null ? {} : { error_type: error.type }),
    ...(skip === null
      ? {}
      : {
          skip: {
            reason: skip.reason,
            count: skip.count,
            last_planned_datetime: new Date(skip.lastPlannedAt),
          },
        }),
    ...(attempts.length === 0 ? {} : { attempts: attempts.map(attemptDocument) }),
    ...(record.retryAt === null ? {} : { retry_datetime: new Date(record.retryAt) }),
    ...(cancellation === null
      ? {}
      : { cancelled_datetime: new Date(cancellation.at), cancelled_by: cancellation.by }),
    ...(progress === null ? {} : { progress: { ...progress, at: new Date(progress.at) } }),
    ...(log.length === 0 ? {} : { log: log.map((line) => ({ ...line, at: new Date(line.at) })) }),
    ...(record.contradictions === 0 ? {} : { contradictions: record.contradictions }),
    ...(isOpen(record) ? { open_until: openUntil } : {}),
    version,
  };
}

function ending({ plannedAt, result, error }: RunRecord, endedAt: string) {
  const end = Date.parse(endedAt);
  return {
    end_datetime: new Date(end),
    // A run that was revoked ended before its planned time.
    process_time: Math.max(0, end - Date.parse(plannedAt)) / 1000,
    retval: JSON.stringify(result ?? null),
    exception: JSON.stringify(error?.message ?? null),
    traceback: JSON.stringify(error?.stack ?? null),
  };
}

function describing(described: NonNullable<RunRecord["described"]>) {
  return {
    name: described.name,
    group: described.group,
    job_class: described.handler,
    job_params: described.params,
    exec_strategy: described.strategy,
    expression: described.expression,
  };
}

function attemptDocument({
  executor,
  startedAt,
  endedAt,
  outcome,
  attempt,
  error,
}: RunRecord["attempts"][number]): AttemptDocument {
  return {
    ...(attempt && { attempt }),
    ...(error && { error }),
    executor,
    started_datetime: new Date(startedAt),
    ...(endedAt === null ? {} : { ended_datetime: new Date(endedAt) }),
    ...(outcome === null ? {} : { outcome }),
  };
}

/** Reads our records and those of the Python original. */
export function fromDocument(document: RecordDocument): RunRecord {
  const { end_datetime, skip, progress, job_class, exception, cancelled_datetime } = document;
  const message = parsed(exception) as string | null;
  return {
    runId: document._id.toHexString(),
    taskId: document.task_id,
    status: statusOf(document),
    plannedAt: document.start_datetime.toISOString(),
    endedAt: end_datetime?.toISOString() ?? null,
    result: parsed(document.retval),
    error:
      message === null
        ? null
        : {
            type: document.error_type ?? "Exception",
            message,
            stack: parsed(document.traceback) as string | null,
          },
    skip: skip
      ? { reason: skip.reason, count: skip.count, lastPlannedAt: skip.last_planned_datetime.toISOString() }
      : null,
    described: job_class === undefined ? null : describedIn(document, job_class),
    timeoutMs: document.timeout_ms ?? null,
    attempts: (document.attempts ?? []).map(attemptIn),
    retryAt: document.retry_datetime?.toISOString() ?? null,
    cancellation: cancelled_datetime
      ? { at: cancelled_datetime.toISOString(), by: document.cancelled_by ?? null }
      : null,
    progress: progress ? { ...progress, at: progress.at.toISOString() } : null,
    log: (document.log ?? []).map((line) => ({ ...line, at: line.at.toISOString() })),
    contradictions: document.contradictions ?? 0,
    createdAt: document.create_datetime.toISOString(),
    updatedAt: document.update_datetime.toISOString(),
  };
}

function attemptIn(stored: AttemptDocument): RunRecord["attempts"][number] {
  const { executor, started_datetime, ended_datetime, outcome = null, attempt, error } = stored;
  return {
    ...(attempt && { attempt }),
    executor,
    startedAt: started_datetime.toISOString(),
    endedAt: ended_datetime?.toISOString() ?? null,
    outcome,
    ...(error && { error }),
  };
}

/** Records of the Python original have no status: they were written when a run had ended. */
export function statusOf({
  status,
  exception,
}: Pick<RecordDocument, "status" | "exception">): RunRecord["status"] {
  return status ?? (parsed(exception) === null ? "succeeded" : "failed");
}

function describedIn(document: RecordDocument, handler: string): NonNullable<RunRecord["described"]> {
  const { name = "", group = null, job_params = {}, exec_strategy = "once", expression = null } = document;
  const params =
    typeof job_params === "string" ? (JSON.parse(job_params) as Record<string, unknown>) : job_params;
  return { name, group, handler, params, strategy: exec_strategy, expression };
}

function parsed(json: string | null | undefined): unknown {
  return json === undefined || json === null ? null : JSON.parse(json);
}

export function toView(document: RecordDocument): RecordView {
  const {
    described,
    attempts,
    progress,
    timeoutMs: _,
    contradictions: __,
    ...record
  } = fromDocument(document);
  return {
    id: record.runId,
    ...record,
    startedAt: attempts.at(-1)?.startedAt ?? null,
    processTime: document.process_time ?? null,
    name: described?.name ?? null,
    group: described?.group ?? null,
    handler: described?.handler ?? null,
    params: described?.params ?? null,
    strategy: described?.strategy ?? null,
    expression: described?.expression ?? null,
    attempts: attempts.map((attempt, index) => attemptView(record, attempt, index)),
    retryAt: record.status === "retrying" ? record.retryAt : null,
    progress: progress ? { percent: progress.percent, message: progress.message } : null,
  };
}

/** The error of a run that has one attempt is stored once, with the record. */
function attemptView(
  { status, error }: Pick<RunRecord, "status" | "error">,
  { executor, startedAt, endedAt, outcome, error: own }: RunRecord["attempts"][number],
  index: number,
): RecordView["attempts"][number] {
  const shown = own ?? (outcome !== null && outcome === status ? error : null);
  return {
    number: index + 1,
    executor,
    startedAt,
    endedAt,
    outcome,
    error: shown && { type: shown.type, message: shown.message },
  };
}
