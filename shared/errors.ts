/** What every error of ours carries across processes: `type` is stable and is what callers test. */
export interface AppErrorOptions {
  /** SCREAMING_SNAKE and stable, e.g. `TASK_NOT_FOUND`. */
  readonly type: string;
  /** HTTP-like status, used by the gateway's envelope. */
  readonly code: number;
  /** Plain JSON for programs; never a secret and never a whole user value. */
  readonly data?: unknown;
  /** True where the same call may succeed later unchanged. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/**
 * The one error class of the project; a rule's own error is a subclass beside the rule.
 * Classes are lost between nodes, `type`, `code`, `data` and `retryable` are not: recognise errors by `type`.
 */
export class AppError extends Error {
  readonly type: string;
  readonly code: number;
  readonly data: unknown;
  readonly retryable: boolean;

  constructor(message: string, { type, code, data, retryable = false, cause }: AppErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.type = type;
    this.code = code;
    this.data = data;
    this.retryable = retryable;
  }
}

/** The `type` of an error of ours, in this process or from another node; undefined for any other error. */
export function errorType(error: unknown): string | undefined {
  const type = (error as { type?: unknown } | null | undefined)?.type;
  return typeof type === "string" ? type : undefined;
}

/** True where a caller may repeat the call unchanged and hope for success. */
export function isRetryable(error: unknown): boolean {
  return (error as { retryable?: unknown } | null | undefined)?.retryable === true;
}

/** The text of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
