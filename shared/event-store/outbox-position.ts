/** How far a writer's events have been accepted by the bus. */
export interface Checkpoint {
  /** Every event of the writer up to this id is accepted, `pending` aside. */
  readonly position: string;
  /** Ids up to `position` that are not accepted yet. */
  readonly pending: readonly string[];
}

interface Progress {
  /** Newest id that was committed. */
  readonly highWater: string;
  readonly openFloors: Iterable<string>;
  readonly unaccepted: Iterable<string>;
}

/** A run of an hour must not hold the checkpoint for an hour; but a checkpoint must stay small. */
export const MAX_PENDING = 1000;

/**
 * The furthest checkpoint that loses no event: it passes no open transaction (its events have ids above its floor and
 * may still commit), and names the events it passes that the bus does not have.
 */
export function checkpointOf({ highWater, openFloors, unaccepted }: Progress): Checkpoint {
  let position = highWater;
  for (const floor of openFloors) if (floor < position) position = floor;
  const ids = [...unaccepted].sort();
  const cut = ids[MAX_PENDING];
  if (cut !== undefined && cut <= position) position = ids[MAX_PENDING - 1] as string;
  return { position, pending: ids.slice(0, MAX_PENDING).filter((id) => id <= position) };
}
