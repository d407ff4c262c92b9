const SLAB_BYTES = 8 * 1024;
const LARGE_BYTES = SLAB_BYTES / 4;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let used = 0;

/**
 * Copies a document from a message or a scratch buffer into memory of its own.
 *
 * Consecutive documents share slabs of 8 KB: one buffer per document takes four times as long (2.0 µs instead of
 * 0.5 µs for 400 bytes) and 250 bytes more. The price: one remaining document keeps its whole slab in memory.
 */
export function keepBytes(source: Uint8Array, from = 0, to = source.length): Uint8Array {
  const length = to - from;
  if (length > LARGE_BYTES) return Uint8Array.prototype.slice.call(source, from, to);
  if (used + length > SLAB_BYTES) {
    slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    used = 0;
  }
  const start = used;
  used += length;
  Buffer.prototype.copy.call(source, slab, start, from, to);
  return new Uint8Array(slab.buffer, start, length);
}
