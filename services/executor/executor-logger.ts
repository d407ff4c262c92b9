/** What the executor reports about itself; Moleculer's logger fits. */
export interface ExecutorLogger {
  debug(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}
