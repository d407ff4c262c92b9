import { type ErrorDeclaration, type ErrorType, errorTypes } from "./contracts/errors.ts";

/** Types of which each error states whether it is retryable. */
type Depending = {
  [T in ErrorType]: (typeof errorTypes)[T]["retryable"] extends "depends" ? T : never;
}[ErrorType];

interface Details {
  /** Plain JSON for programs; never a secret and never a whole user value. */
  readonly data?: unknown;
  readonly cause?: unknown;
}

/** What an error has besides its text. Its code, and mostly whether it is retryable, follow from its type. */
export type AppErrorOptions = Details &
  (
    | { readonly type: Exclude<ErrorType, Depending>; readonly retryable?: undefined }
    | { readonly type: Depending; readonly retryable: boolean }
  );

/** An error as plain data, as stores and messages hold it. */
export interface ErrorFacts {
  readonly type: string;
  readonly message: string;
  readonly code: number;
  readonly data: unknown;
}

/**
 * The one error class of the project; a rule's own error is a subclass next to the rule. Its text is English.
 * Classes are lost between nodes, `type`, `code`, `data` and `retryable` are not: recognise errors by `type`.
 */
export class AppError extends Error {
  readonly type: string;
  /** HTTP-like status, see `errorTypes`. */
  readonly code: number;
  readonly data: unknown;
  /** True where the same call may succeed later unchanged. */
  readonly retryable: boolean;

  constructor(message: string, { type, data, retryable, cause }: AppErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    const declared = declarationOf(type);
    this.name = new.target.name;
    this.type = type;
    this.code = declared?.code ?? 500;
    this.data = data;
    this.retryable = retryable ?? declared?.retryable === true;
  }

  /** An error that was stored or received as plain data, also of a type that this version does not declare. */
  static restored({ type, message, code, data }: ErrorFacts): AppError {
    const options = { type, data } as AppErrorOptions;
    return Object.assign(new AppError(message, options), { code });
  }
}

function declarationOf(type: string): ErrorDeclaration | undefined {
  return (errorTypes as Readonly<Record<string, ErrorDeclaration>>)[type];
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
