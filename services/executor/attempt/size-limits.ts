/**
 * Bytes of a result as JSON. A bus message may have 1 MiB; the rest is for the log, whose 64 KiB may grow sixfold when
 * control characters are escaped.
 */
export const RESULT_MAX_BYTES = 524_288;
export const STACK_MAX_BYTES = 16_384;
export const MESSAGE_MAX_BYTES = 8192;
export const ERROR_TYPE_MAX_BYTES = 255;

export const LINE_MAX_BYTES = 8192;
export const BATCH_MAX_LINES = 1000;
export const BATCH_MAX_BYTES = 65_536;
/** Log lines of one run; further lines are only counted. */
export const RUN_MAX_LINES = 10_000;
/** Bytes of one run's log that may wait while the bus is unavailable. */
export const WAITING_MAX_BYTES = 1_048_576;

/** Shortens a text to at most `maxBytes` of UTF-8 plus a note about what was cut. Never splits a character. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text.slice(0, maxBytes));
  let end = Math.min(maxBytes, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString("utf8", 0, end)}… [${Buffer.byteLength(text) - end} bytes cut]`;
}
