/** The part of a logger that our code uses: fields first, then the message. The loggers of pino and Moleculer fit. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
