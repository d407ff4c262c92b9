/** The server cannot start or has ended; `type` is stable, e.g. `MONGO_DIRECTORY_LOCKED`. */
export class EmbeddedMongoError extends Error {
  readonly type: string;
  /** HTTP-like status, so that applications can handle it like their own errors. */
  readonly code: number;
  readonly data: unknown;

  constructor(message: string, { type, code, data, cause }: EmbeddedMongoErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.type = type;
    this.code = code;
    this.data = data;
  }
}

export interface EmbeddedMongoErrorOptions {
  readonly type: string;
  readonly code: number;
  /** Plain JSON for programs; never a secret. */
  readonly data?: unknown;
  readonly cause?: unknown;
}
