import {
  BATCH_MAX_BYTES,
  BATCH_MAX_LINES,
  cutText,
  LINE_MAX_BYTES,
  RUN_MAX_LINES,
  WAITING_MAX_BYTES,
} from "./size-limits.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export interface LogLine {
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
}

/** The log lines of one run that are not published yet. */
export class RunLog {
  #waiting: LogLine[] = [];
  #waitingBytes = 0;
  #written = 0;
  #dropped = 0;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** True if all waiting lines fit one batch, so that the run's final event can contain them. */
  get fitsOneBatch(): boolean {
    return this.#waiting.length <= BATCH_MAX_LINES && this.#waitingBytes <= BATCH_MAX_BYTES;
  }

  write(at: string, level: LogLevel, message: unknown): void {
    if (this.#written >= RUN_MAX_LINES || this.#waitingBytes >= WAITING_MAX_BYTES) {
      this.#dropped += 1;
      return;
    }
    const text = cutText(typeof message === "string" ? message : String(message), LINE_MAX_BYTES);
    this.#written += 1;
    this.#waitingBytes += Buffer.byteLength(text);
    this.#waiting.push({ at, level, message: text });
  }

  /** Removes and returns the next batch: at most `BATCH_MAX_LINES` lines and `BATCH_MAX_BYTES` of text; may be empty. */
  take(): readonly LogLine[] {
    let bytes = 0;
    let count = 0;
    for (const { message } of this.#waiting) {
      bytes += Buffer.byteLength(message);
      if (count === BATCH_MAX_LINES || (count > 0 && bytes > BATCH_MAX_BYTES)) {
        bytes -= Buffer.byteLength(message);
        break;
      }
      count += 1;
    }
    this.#waitingBytes -= bytes;
    if (count === this.#waiting.length) {
      const all = this.#waiting;
      this.#waiting = [];
      return all;
    }
    return this.#waiting.splice(0, count);
  }

  /** Adds a line with the number of dropped lines; to be called once, when the run has ended. */
  close(at: string): void {
    if (this.#dropped === 0) return;
    const message = `${this.#dropped} more lines left out: a run may write ${RUN_MAX_LINES}, of which ${WAITING_MAX_BYTES} bytes may wait to be sent`;
    this.#waitingBytes += message.length;
    this.#waiting.push({ at, level: "warn", message });
    this.#dropped = 0;
  }
}
