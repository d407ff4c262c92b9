/** Divides long work: callers await `pause` whenever `isOver`, so that other clients are served in between. */
export interface Pace {
  /** Returns true when it is time to pause. Call it after each small step. */
  isOver(): boolean;
  pause(): Promise<void>;
}
