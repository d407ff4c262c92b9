import assert from "node:assert/strict";

/** Reads as a sentence: `given(decider)(past…).when(command).then(events…)`. */
export const given =
  <State, Command, Event, Past = Event>(decider: {
    readonly initialState: State;
    decide(command: Command, state: State): readonly Event[];
    evolve(state: State, event: Past): State;
  }) =>
  (...past: readonly Past[]) => ({
    when(command: Command) {
      const decide = () => decider.decide(command, past.reduce<State>(decider.evolve, decider.initialState));
      return {
        /** Compares complete events. */
        // biome-ignore lint/suspicious/noThenProperty: the sentence ends here and is never awaited
        then: (...expected: readonly Event[]) => assert.deepEqual(decide(), expected),
        /** Compares the types of the events and the given part of their data. */
        thenLike: (...expected: readonly { type: string; data?: object }[]) => {
          const events = decide() as readonly { type: string; data: object }[];
          assert.deepEqual(
            events.map(({ type }) => type),
            expected.map(({ type }) => type),
          );
          for (const [index, { data = {} }] of expected.entries())
            assert.partialDeepStrictEqual(events[index]?.data, data);
        },
        thenNothing: () => assert.deepEqual(decide(), []),
        thenThrows: (type: string) => assert.throws(decide, { type }),
      };
    },
  });
