/**
 * The pure core of one kind of stream: commands become events, events become state. No clock, no I/O, no randomness:
 * `now` and ids come in the command. `decide` returns `[]` if there is nothing to do, which makes a repeated
 * command harmless, and throws only if a rule is broken. `evolve` never throws: history has happened.
 */
export interface Decider<State, Command, Event> {
  readonly initialState: State;
  decide(command: Command, state: State): readonly Event[];
  evolve(state: State, event: Event): State;
}

/** The state after a history. */
export function fold<State, Event>(
  decider: Pick<Decider<State, never, Event>, "initialState" | "evolve">,
  history: Iterable<Event>,
): State {
  let state = decider.initialState;
  for (const event of history) state = decider.evolve(state, event);
  return state;
}
