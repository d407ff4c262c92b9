/** What one type of error means, wherever it is thrown. */
export interface ErrorDeclaration {
  /** HTTP-like: 4xx where the request is at fault, 5xx where this platform or something it depends on is. */
  readonly code: number;
  /** True where the same call may succeed later unchanged; `depends` where each error states it. */
  readonly retryable: boolean | "depends";
  readonly meaning: string;
}

/**
 * Every type of error of this project. A type is stable: clients read it as `error_type`, and services recognise each
 * other's errors by it. An `AppError` of a type that is not listed here does not compile.
 */
export const errorTypes = {
  // Tasks and their definitions
  TASK_NOT_FOUND: { code: 404, retryable: false, meaning: "No task has this id." },
  TASK_ACTIVE: { code: 400, retryable: false, meaning: "An active task cannot be deleted; pause it first." },
  TASK_DISABLED: {
    code: 400,
    retryable: false,
    meaning: "Scheduling is switched off by `TASK_ENABLE=false`.",
  },
  TASK_PARAMS_TOO_LARGE: {
    code: 400,
    retryable: false,
    meaning: "The params of a task are larger than an event may be.",
  },
  TASK_TOO_MANY_RUNS: {
    code: 429,
    retryable: false,
    meaning: "The task has as many open runs as one task may have.",
  },
  TRIGGER_INVALID: {
    code: 400,
    retryable: false,
    meaning: "The definition of a task is not a valid trigger; `data` has the field and the reason.",
  },
  RATE_LIMITED: {
    code: 429,
    retryable: false,
    meaning:
      "The task was run now too often; `data.retryAfterMs` is the time until the next run is admitted.",
  },
  COMMAND_LATE: {
    code: 503,
    retryable: false,
    meaning: "The command arrived after its deadline. Nothing was changed.",
  },
  // Scheduling
  SCHEDULER_NO_LEADER: { code: 503, retryable: true, meaning: "No scheduler holds the lease at the moment." },
  SCHEDULER_FENCED: {
    code: 503,
    retryable: true,
    meaning: "Another scheduler took over the lease; the transaction was rejected.",
  },
  VERDICT_UNKNOWN: {
    code: 503,
    retryable: true,
    meaning: "It is not known yet whether the run may start; repeat the call.",
  },
  // Handlers and runs
  HANDLER_UNKNOWN: {
    code: 400,
    retryable: false,
    meaning: "No executor has a handler of this name; `data.handlers` are the names that exist.",
  },
  HANDLER_PARAMS_INVALID: {
    code: 400,
    retryable: false,
    meaning: "The handler does not accept these params; `data` has the field and the reason.",
  },
  HANDLER_DUPLICATE: {
    code: 500,
    retryable: false,
    meaning: "Two handlers have the same name; the executor does not start.",
  },
  EXECUTOR_STOPPING: {
    code: 503,
    retryable: true,
    meaning: "The executor stops; the run is requeued for another one.",
  },
  CONFIRM_UNAVAILABLE: {
    code: 503,
    retryable: true,
    meaning: "The scheduler did not confirm that late runs may start; the executor tries again.",
  },
  OUTCOME_REFUSED: {
    code: 500,
    retryable: false,
    meaning: "The bus did not accept the outcome of a run; the run is recorded as failed.",
  },
  RESULT_NOT_SERIALISABLE: {
    code: 500,
    retryable: false,
    meaning: "The result of the handler is not JSON; the run is recorded as failed.",
  },
  NOT_AN_ERROR: {
    code: 500,
    retryable: false,
    meaning: "The handler threw something that is not an error, such as a string or null.",
  },
  RUN_TIMEOUT: {
    code: 504,
    retryable: false,
    meaning: "The handler was aborted because the run exceeded its time limit.",
  },
  RUN_TIMED_OUT: {
    code: 504,
    retryable: false,
    meaning: "The run exceeded its time limit, as its record states.",
  },
  RUN_CANCELLED: {
    code: 499,
    retryable: false,
    meaning: "The run was cancelled before or after it started.",
  },
  RUN_LOST: { code: 500, retryable: false, meaning: "No executor and no queue has the run any more." },
  // Built-in handlers
  HTTP_STATUS: {
    code: 502,
    retryable: "depends",
    meaning: "An HTTP request returned an unexpected status; retryable for 429 and 5xx.",
  },
  HTTP_TIMEOUT: { code: 504, retryable: true, meaning: "An HTTP request exceeded its time limit." },
  HTTP_UNREACHABLE: { code: 502, retryable: true, meaning: "The host of an HTTP request cannot be reached." },
  HTTP_REDIRECT_INVALID: {
    code: 502,
    retryable: false,
    meaning: "An HTTP request was redirected to something that is not an http or https URL.",
  },
  HTTP_ADDRESS_FORBIDDEN: {
    code: 403,
    retryable: false,
    meaning: "The host of an HTTP request has a private or reserved address.",
  },
  ACTION_UNKNOWN: {
    code: 404,
    retryable: true,
    meaning: "No running service offers the action that a task calls.",
  },
  // Records
  RECORD_NOT_FOUND: { code: 404, retryable: false, meaning: "No record has this id." },
  RECORD_TOO_LARGE: {
    code: 413,
    retryable: false,
    meaning: "The record does not fit one message between services; it is read in pieces.",
  },
  WHEREABOUTS_UNKNOWN: {
    code: 503,
    retryable: true,
    meaning: "It is not known yet whether open runs are lost, because a service does not respond.",
  },
  // Users, roles and other rows of PostgreSQL
  ROW_NOT_FOUND: {
    code: 404,
    retryable: false,
    meaning: "No row has this id, or none has one of these ids.",
  },
  ORM_DISABLED: {
    code: 400,
    retryable: false,
    meaning: "PostgreSQL is switched off by `ORM_DB_ENABLE=false`.",
  },
  // Lists
  LIST_TOO_LONG: {
    code: 400,
    retryable: false,
    meaning: "The list has more rows than one response may have.",
  },
  ROW_CHANGING: {
    code: 503,
    retryable: true,
    meaning: "A row changes faster than it can be read in pieces.",
  },
  // Crawler
  CRAWL_TIMEOUT: {
    code: 504,
    retryable: true,
    meaning: "The source of the hot list did not respond in time.",
  },
  CRAWL_UNREACHABLE: { code: 502, retryable: true, meaning: "The source of the hot list cannot be reached." },
  CRAWL_BAD_STATUS: {
    code: 502,
    retryable: "depends",
    meaning: "The source of the hot list returned an HTTP error; retryable for 429 and 5xx.",
  },
  CRAWL_TOO_LARGE: {
    code: 502,
    retryable: false,
    meaning: "The source of the hot list returned too many bytes.",
  },
  CRAWL_BAD_JSON: { code: 502, retryable: true, meaning: "The source of the hot list did not return JSON." },
  CRAWL_BAD_SHAPE: {
    code: 502,
    retryable: false,
    meaning: "The source of the hot list returned JSON of an unexpected shape; `data` has the field.",
  },
  CRAWL_REFUSED: { code: 502, retryable: true, meaning: "The source of the hot list reported an error." },
  // Events, bus and store
  CONTRACT_VIOLATION: {
    code: 422,
    retryable: false,
    meaning: "An event or the params of a call break their contract; `data` lists the fields.",
  },
  EVENT_INVALID: { code: 422, retryable: false, meaning: "A message on the bus is not an event." },
  EVENT_TOO_LARGE: { code: 413, retryable: false, meaning: "The event is larger than the bus accepts." },
  REQUEUE: { code: 503, retryable: true, meaning: "A handler of the bus returned the event to its group." },
  NEVER_SETTLED: {
    code: 500,
    retryable: false,
    meaning: "An event was delivered repeatedly and never handled; it became a dead letter.",
  },
  BUS_FULL: { code: 503, retryable: true, meaning: "The bus has no room for further events." },
  BUS_UNAVAILABLE: { code: 503, retryable: true, meaning: "The bus cannot be reached." },
  SCHEMA_MISMATCH: {
    code: 500,
    retryable: false,
    meaning: "The schema of PostgreSQL is older or newer than this version; `data` has the migrations.",
  },
  STREAM_CONFLICT: {
    code: 409,
    retryable: true,
    meaning: "Another writer changed the stream first; load it and decide again.",
  },
  STORE_UNAVAILABLE: { code: 503, retryable: true, meaning: "MongoDB or PostgreSQL cannot be reached." },
  OUTBOX_FULL: {
    code: 503,
    retryable: true,
    meaning: "Too many stored events wait until the bus accepts them; commands are rejected meanwhile.",
  },
  // Users, logins and permissions
  LOGIN_FAILED: { code: 401, retryable: false, meaning: "The login or the password is wrong." },
  LOGIN_THROTTLED: {
    code: 429,
    retryable: false,
    meaning: "Too many logins failed; `data.retryAfterMs` is the time until the next attempt is admitted.",
  },
  LOGIN_BUSY: {
    code: 503,
    retryable: true,
    meaning: "Too many passwords are being checked at the same time.",
  },
  SESSION_ENDED: {
    code: 401,
    retryable: false,
    meaning: "The session has ended or has expired, or its refresh token is not valid; log in again.",
  },
  UNAUTHENTICATED: {
    code: 401,
    retryable: false,
    meaning: "The request has no valid access token, API token or session cookie.",
  },
  FORBIDDEN: {
    code: 403,
    retryable: false,
    meaning: "The user may not do this; `data.permission` is the permission that is missing.",
  },
  CROSS_SITE_CHANGE: {
    code: 403,
    retryable: false,
    meaning: "A change with a session cookie does not come from a page of this server.",
  },
  TOO_MANY_REQUESTS: {
    code: 429,
    retryable: false,
    meaning:
      "The user or the address sent more than `REQUESTS_PER_MINUTE`; `data.retryAfterMs` is the time to wait.",
  },
  PASSWORD_WEAK: {
    code: 400,
    retryable: false,
    meaning: "The new password is not accepted; `data.reason` states why.",
  },
  LOGIN_TAKEN: { code: 409, retryable: false, meaning: "Another user logs in with this name." },
  // Uploads
  STORAGE_DISABLED: { code: 400, retryable: false, meaning: "The storage of an upload is not enabled." },
  FILE_TOO_LARGE: { code: 413, retryable: false, meaning: "An uploaded file is too large." },
  FILE_TYPE_REFUSED: {
    code: 415,
    retryable: false,
    meaning: "The content of an uploaded file is none of the accepted types, `data.accepted`.",
  },
  UPLOAD_INVALID: { code: 400, retryable: false, meaning: "An upload is not valid multipart/form-data." },
  // HTTP
  INPUT_INVALID: {
    code: 400,
    retryable: false,
    meaning: "An HTTP request has invalid fields; `data` lists them.",
  },
  CLIENT_STALLED: { code: 408, retryable: false, meaning: "An HTTP client stopped reading its response." },
  GATEWAY_ADDRESS_UNAVAILABLE: {
    code: 500,
    retryable: false,
    meaning: "The gateway cannot listen on `SERVER_HOST:SERVER_PORT`.",
  },
  STORE_TOO_NEW: {
    code: 500,
    retryable: false,
    meaning: "A later version of the platform has converted the data, which this one would misread.",
  },
  HEALTH_ADDRESS_UNAVAILABLE: {
    code: 500,
    retryable: false,
    meaning: "The process cannot listen on `HEALTH_HOST:HEALTH_PORT`.",
  },
  // Configuration, data directory and command line
  CONFIG_INVALID: {
    code: 500,
    retryable: false,
    meaning: "A setting is invalid; the process does not start.",
  },
  DATA_DIRECTORY_UNUSABLE: { code: 500, retryable: false, meaning: "`DATA_DIR` cannot be used." },
  NO_DATA: { code: 404, retryable: false, meaning: "The data directory that a command reads has no data." },
  STREAM_NOT_FOUND: { code: 404, retryable: false, meaning: "No event has this stream, task id or run id." },
  USAGE: { code: 400, retryable: false, meaning: "A command has wrong arguments." },
  FILE_UNUSABLE: { code: 400, retryable: false, meaning: "A dump file cannot be read or written." },
  DUMP_FILE_EXISTS: { code: 409, retryable: false, meaning: "The file for a dump exists already." },
} as const satisfies Readonly<Record<string, ErrorDeclaration>>;

export type ErrorType = keyof typeof errorTypes;
