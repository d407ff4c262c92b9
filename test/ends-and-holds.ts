import { defineHandler, type Handler } from "../services/executor/handler/define-handler.ts";

/** Two handlers for whatever can become of a run, and the end of those that go on. */
export interface EndsAndHolds {
  readonly handlers: readonly Handler[];
  /** Lets every run of `test.holds` end that has begun. */
  release(): void;
}

export function endsAndHolds(): EndsAndHolds {
  const held: (() => void)[] = [];
  return {
    handlers: [
      defineHandler({ name: "test.ends", title: "Ends", params: {}, run: () => "done" }),
      defineHandler({
        name: "test.holds",
        title: "Goes on until it is released",
        params: {},
        run: () => new Promise<void>((resolve) => held.push(resolve)),
      }),
    ],
    release() {
      for (const end of held) end();
    },
  };
}
