/** The sequences that a stream stores. */
export interface Sequences {
  readonly first_seq: number;
  readonly last_seq: number;
}

/**
 * Returns the sequence below which the stream is purged: its older half if it is nearly full, or what has reached its age,
 * but nothing that a group has not handled, nor the quarter of the stream before that. So the part of the server's file
 * that a purge rewrites has no unhandled event, unless the stream is tiny. Undefined if a purge is not worth its cost.
 */
export function firstToKeep(
  { first_seq, last_seq }: Sequences,
  progress: readonly { readonly handled: number }[],
  { isNearlyFull, aged }: { readonly isNearlyFull: boolean; readonly aged: number },
): number | undefined {
  const size = last_seq - first_seq + 1;
  const handled = Math.min(last_seq, ...progress.map((group) => group.handled));
  const spare = handled + 1 - Math.ceil(size / 4);
  const wanted = Math.max(isNearlyFull ? first_seq + Math.floor(size / 2) : 0, aged);
  const keep = Math.min(wanted, spare);
  return keep - first_seq >= Math.max(1, size / 16) ? keep : undefined;
}
