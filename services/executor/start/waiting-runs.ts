import type { Clock } from "../../../shared/clock.ts";
import { type HeapEntry, MinHeap } from "../../../shared/min-heap.ts";
import { wakeUp } from "./wake-up.ts";

/** Runs that wait for their planned time or for a slot, in the order of their planned times. */
export interface WaitingRuns<E extends HeapEntry> {
  /** Starts the run now if it is due and a slot is free, otherwise later; never before its `at`. */
  add(entry: E): void;
  /** Removes a run; returns false if it does not wait here. */
  drop(entry: E): boolean;
  /** A started run no longer needs its slot. */
  release(): void;
  /** Removes and returns all runs. */
  dropAll(): readonly E[];
  /** Returns the number of free slots. */
  free(): number;
  close(): void;
}

export interface WaitingRunsDeps<E extends HeapEntry> {
  readonly clock: Clock;
  /** Runs that may be started and not released. */
  readonly slots: number;
  /** Returns false if a run that is due must not start now. The run is then removed; the callee keeps it. */
  mayStart(entry: E, now: number): boolean;
  /** Must not throw. */
  start(entry: E, now: number): void;
}

/** After starting runs for this long, the event loop gets a turn for other work. */
const SLICE_MS = 10;

export function waitingRuns<E extends HeapEntry>(deps: WaitingRunsDeps<E>): WaitingRuns<E> {
  const { clock, slots } = deps;
  const heap = new MinHeap<E>();
  let taken = 0;
  let isPumping = false;
  let pause: NodeJS.Immediate | undefined;

  const isReady = (now: number): boolean => {
    const first = heap.peek();
    return first !== undefined && first.at <= now && taken < slots;
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
    else alarm.set(taken < slots ? (heap.peek()?.at ?? null) : null);
  };
  const resume = (): void => {
    pause = undefined;
    pump();
  };
  const alarm = wakeUp(clock, pump);

  return {
    add(entry) {
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
    free: () => slots - taken,
    close() {
      clearImmediate(pause);
      alarm.close();
    },
  };
}
