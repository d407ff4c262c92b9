import type { Clock } from "../../../shared/clock.ts";
import { type HeapEntry, MinHeap } from "../../../shared/min-heap.ts";
import { wakeUp } from "./wake-up.ts";

/** Runs that wait for their instant or for a place, in the order of their instants. */
export interface HeldRuns<E extends HeapEntry> {
  /** Starts the run now if it is due and a place is free, else later; never before its `at`. */
  hold(entry: E): void;
  /** False where the run does not wait here (any more). */
  drop(entry: E): boolean;
  /** A run that was started no longer needs its place. */
  release(): void;
  /** Everything that waits, which then waits no longer. */
  dropAll(): readonly E[];
  /** Places that nobody has taken. */
  free(): number;
  close(): void;
}

export interface HeldRunsDeps<E extends HeapEntry> {
  readonly clock: Clock;
  /** Runs that may be started and not released. */
  readonly places: number;
  /** False where a run that is due must not start now: it then no longer waits here, but with the callee. */
  mayStart(entry: E, now: number): boolean;
  /** Must not throw. */
  start(entry: E, now: number): void;
}

/** Runs are started in a row for no longer than this, then other work of the process has its turn. */
const SLICE_MS = 10;

export function heldRuns<E extends HeapEntry>(deps: HeldRunsDeps<E>): HeldRuns<E> {
  const { clock, places } = deps;
  const heap = new MinHeap<E>();
  let taken = 0;
  let isPumping = false;
  let pause: NodeJS.Immediate | undefined;

  const isReady = (now: number): boolean => {
    const first = heap.peek();
    return first !== undefined && first.at <= now && taken < places;
  };
  const pump = (): void => {
    if (isPumping || pause) return;
    isPumping = true;
    let now = clock.now();
    const until = now + SLICE_MS;
    while (isReady(now) && now < until) {
      const entry = heap.take() as E;
      if (deps.mayStart(entry, now)) {
        taken += 1;
        deps.start(entry, now);
      }
      now = clock.now();
    }
    isPumping = false;
    if (isReady(now)) pause = setImmediate(resume);
    else alarm.set(taken < places ? (heap.peek()?.at ?? null) : null);
  };
  const resume = (): void => {
    pause = undefined;
    pump();
  };
  const alarm = wakeUp(clock, pump);

  return {
    hold(entry) {
      heap.add(entry);
      if (heap.peek() === entry) pump();
    },
    drop: (entry) => heap.remove(entry),
    release() {
      taken -= 1;
      if (heap.size > 0) pump();
    },
    dropAll() {
      const all: E[] = [];
      for (let entry = heap.take(); entry; entry = heap.take()) all.push(entry);
      alarm.set(null);
      return all;
    },
    free: () => places - taken,
    close() {
      clearImmediate(pause);
      alarm.close();
    },
  };
}
