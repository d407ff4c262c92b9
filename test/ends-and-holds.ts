import { defineHandler, type Handler } from "../services/executor/handler/define-handler.ts";

/** A handler that ends at once and one that continues until it is released. */
export interface EndsAndHolds {
  readonly handlers: readonly Handler[];
  /** Ends all started runs of `test.holds`. */
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
