const CACHE_SIZE = 4096;
const MAX_CACHED_LENGTH = 40;
const cache: string[] = new Array(CACHE_SIZE).fill("");

interface NameBytes {
  readonly start: number;
  readonly end: number;
  readonly hash: number;
}

const { latin1Slice } = Buffer.prototype as unknown as { latin1Slice(start: number, end: number): string };

/** An ASCII name. Names repeat: the cache returns one string per name, whose hash is already computed. */
export function asciiName(bytes: Uint8Array, { start, end, hash }: NameBytes): string {
  const length = end - start;
  if (length > MAX_CACHED_LENGTH) return latin1Slice.call(bytes, start, end);
  const slot = (hash ^ (hash >>> 12)) & (CACHE_SIZE - 1);
  const cached = cache[slot]!;
  if (cached.length === length) {
    let i = 0;
    while (i < length && cached.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return cached;
  }
  const name = latin1Slice.call(bytes, start, end);
  cache[slot] = name;
  return name;
}
