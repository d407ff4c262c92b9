import type { Db } from "mongodb";

/** A read-only command of an operator. Both `npm run kinit` and the REPL offer every one of them. */
export interface Inspection {
  readonly name: string;
  readonly summary: string;
  /** Whether the command takes an id. */
  readonly takesId: boolean;
  /** Rows that are shown without `--limit`; null for commands without that option. */
  readonly defaultLimit: number | null;
  /** @throws AppError `TASK_NOT_FOUND`, `STREAM_NOT_FOUND` */
  inspect(db: Db, request: InspectionRequest): Promise<Inspected>;
}

export interface InspectionRequest {
  /** Empty for commands that take none. */
  readonly id: string;
  /** 0: all. */
  readonly limit: number;
  readonly now: number;
}

/** The same result for programs and for people. */
export interface Inspected {
  readonly json: unknown;
  readonly lines: readonly string[];
}
