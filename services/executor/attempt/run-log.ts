import { cutText } from "./cut-text.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export interface LogLine {
  readonly at: string;
  readonly level: LogLevel;
  readonly message: string;
}

export const LINE_MAX_BYTES = 8192;
export const BATCH_MAX_LINES = 1000;
export const BATCH_MAX_BYTES = 65_536;
/** Lines of one run; what a run says beyond them is counted. */
export const RUN_MAX_LINES = 10_000;
/** Lines of one run that wait for the bus, while it is away. */
export const WAITING_MAX_BYTES = 1_048_576;

/** The log lines of one run that were written and not yet sent. */
export class RunLog {
  private waiting: LogLine[] = [];
  private waitingBytes = 0;
  private written = 0;
  private dropped = 0;

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  /** True where everything that waits fits one batch, so that the run's end can carry it. */
  get fitsOneBatch(): boolean {
    return this.waiting.length <= BATCH_MAX_LINES && this.waitingBytes <= BATCH_MAX_BYTES;
  }

  write(at: string, level: LogLevel, message: unknown): void {
    if (this.written >= RUN_MAX_LINES || this.waitingBytes >= WAITING_MAX_BYTES) {
      this.dropped += 1;
      return;
    }
    const text = cutText(typeof message === "string" ? message : String(message), LINE_MAX_BYTES);
    this.written += 1;
    this.waitingBytes += Buffer.byteLength(text);
    this.waiting.push({ at, level, message: text });
  }

  /** The next batch, at most `BATCH_MAX_LINES` lines and `BATCH_MAX_BYTES` of text; empty when nothing waits. */
  take(): readonly LogLine[] {
    let bytes = 0;
    let count = 0;
    for (const { message } of this.waiting) {
      bytes += Buffer.byteLength(message);
      if (count === BATCH_MAX_LINES || (count > 0 && bytes > BATCH_MAX_BYTES)) {
        bytes -= Buffer.byteLength(message);
        break;
      }
      count += 1;
    }
    this.waitingBytes -= bytes;
    if (count === this.waiting.length) {
      const all = this.waiting;
      this.waiting = [];
      return all;
    }
    return this.waiting.splice(0, count);
  }

  /** Adds the line that says how many were left out; to be called once, when the run is over. */
  close(at: string): void {
    if (this.dropped === 0) return;
    const message = `${this.dropped} more lines left out: a run may write ${RUN_MAX_LINES}, of which ${WAITING_MAX_BYTES} bytes may wait to be sent`;
    this.waitingBytes += message.length;
    this.waiting.push({ at, level: "warn", message });
    this.dropped = 0;
  }
}
