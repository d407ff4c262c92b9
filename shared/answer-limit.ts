import { type ActionHandler, type Context, Errors, type Middleware } from "moleculer";
import { withTimeLimit } from "./time-limit.ts";

/** Moleculer's own limit comes first: the caller gets its error. */
const LATER_MS = 50;

/**
 * Ends the wait for an answer from another node that does not come. Moleculer's limit rejects towards the caller and
 * removes the request, so that its promise stays pending: the context counted as running as long as the process lived,
 * was kept in memory, and delayed the stop of the broker by `DRAIN_MS`.
 */
export function answerLimit(): Middleware {
  return {
    name: "AnswerLimit",
    remoteAction(next: ActionHandler): ActionHandler {
      const ask = next as (context: Context) => Promise<unknown>;
      return (context: Context) => {
        const answer = ask(context);
        const { action, nodeID, options } = context;
        const { timeout } = options as { timeout?: number };
        if (!timeout) return answer;
        const call = { action: action?.name ?? "", nodeID: nodeID ?? "" };
        return withTimeLimit(answer, timeout + LATER_MS, () => new Errors.RequestTimeoutError(call));
      };
    },
  };
}
