import type { CallingOptions, Context, ServiceSchema } from "moleculer";
import { strictParams } from "./contracts/action.ts";
import { type ActionName, type ActionParams, type ActionResult, actions } from "./contracts/actions.ts";
import type { Causation } from "./contracts/event.ts";

/** What a call carries in addition to its params. */
export interface Meta {
  /** The user on whose behalf the call is made, as `actorOf` names it. Absent for calls that a service makes itself. */
  actor?: string;
  /** What the actor may do; set together with it. */
  permissions?: readonly string[];
  /** W3C Trace Context. */
  traceparent?: string;
}

/** Makes calls: a broker, or a context, which passes its request id and meta on. */
export interface Caller {
  call(name: string, params?: unknown, options?: CallingOptions): Promise<unknown>;
}

/** What the events that a call leads to say about it. */
export function causeOf({ requestID, meta }: Context<unknown, Meta>): Causation {
  return {
    ...(requestID ? { correlationid: requestID } : {}),
    ...(meta.traceparent ? { traceparent: meta.traceparent } : {}),
    ...(meta.actor ? { actor: meta.actor } : {}),
  };
}

/** A typed call: a misspelt action or a wrong param does not compile. */
export function call<N extends ActionName>(
  caller: Caller,
  name: N,
  params: ActionParams<N>,
  options?: CallingOptions,
): Promise<ActionResult<N>> {
  return caller.call(name, params, options) as Promise<ActionResult<N>>;
}

/** Options of calls without effects: after two seconds without a response the call goes to another node. */
export const readOnlyCall = { timeout: 2000, retries: 3 } as const satisfies CallingOptions;

type LocalName<N extends string, S extends string> = N extends `${S}.${infer Local}` ? Local : never;
type Handler<N> = N extends ActionName
  ? (
      params: ActionParams<N>,
      context: Context<ActionParams<N>, Meta>,
    ) => Promise<ActionResult<N>> | ActionResult<N>
  : never;
type Handlers<S extends string> = { readonly [L in LocalName<ActionName, S>]: Handler<`${S}.${L}`> };

/**
 * The `actions` block of a service: params, checks and types come from the contracts. A declared action without a
 * handler does not compile.
 */
export function actionsOf<const S extends string>(
  service: S,
  handlers: Handlers<NoInfer<S>>,
): ServiceSchema["actions"] {
  return someActionsOf<string>(service, handlers);
}

/** The same for the stubs of tests, which have some of the service's actions only. */
export function someActionsOf<const S extends string>(
  service: S,
  handlers: Partial<Handlers<NoInfer<S>>>,
): ServiceSchema["actions"] {
  const entries = Object.entries(handlers) as [string, (params: never, context: never) => unknown][];
  return Object.fromEntries(
    entries.map(([local, handler]) => [
      local,
      {
        params: strictParams(actions[`${service}.${local}` as ActionName]),
        handler: (context: Context) => handler(context.params as never, context as never),
      },
    ]),
  ) as ServiceSchema["actions"];
}
