import { type ActionHandler, type Context, Errors, type Middleware } from "moleculer";
import { withTimeLimit } from "./time-limit.ts";

/** Moleculer's own limit is reached first, so the caller receives its error. */
const LATER_MS = 50;

/**
 * Ends calls to other nodes that receive no response. Moleculer's own limit rejects the caller's promise and removes the
 * request, but leaves the promise of the call pending: its context would count as running for the rest of the process,
 * stay in memory, and delay the stop of the broker by `DRAIN_MS`.
 */
export function responseLimit(): Middleware {
  return {
    name: "ResponseLimit",
    remoteAction(next: ActionHandler): ActionHandler {
      const send = next as (context: Context) => Promise<unknown>;
      return (context: Context) => {
        const response = send(context);
        const { action, nodeID, options } = context;
        const { timeout } = options as { timeout?: number };
        if (!timeout) return response;
        const call = { action: action?.name ?? "", nodeID: nodeID ?? "" };
        return withTimeLimit(response, timeout + LATER_MS, () => new Errors.RequestTimeoutError(call));
      };
    },
  };
}
