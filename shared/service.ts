import type { CallingOptions, Context, ServiceSchema } from "moleculer";
import { strictParams } from "./contracts/action.ts";
import { type ActionAnswer, type ActionName, type ActionParams, actions } from "./contracts/actions.ts";

/** What travels with a call besides its params. */
export interface Meta {
  /** Name of the user on whose behalf the call is made. */
  actor?: string;
  /** W3C Trace Context. */
  traceparent?: string;
}

/** Anything that can make a call: a broker, or a context, which passes its request id and meta on. */
export interface Caller {
  call(name: string, params?: unknown, options?: CallingOptions): Promise<unknown>;
}

/** A typed call: a misspelt action or a wrong param does not compile. */
export function call<N extends ActionName>(
  caller: Caller,
  name: N,
  params: ActionParams<N>,
  options?: CallingOptions,
): Promise<ActionAnswer<N>> {
  return caller.call(name, params, options) as Promise<ActionAnswer<N>>;
}

/** For calls without effects: a node that does not answer soon is given up and the call goes to another one. */
export const query = { timeout: 2000, retries: 3 } as const satisfies CallingOptions;

type LocalName<N extends string, S extends string> = N extends `${S}.${infer Local}` ? Local : never;
type Handler<N> = N extends ActionName
  ? (
      params: ActionParams<N>,
      context: Context<ActionParams<N>, Meta>,
    ) => Promise<ActionAnswer<N>> | ActionAnswer<N>
  : never;
type Handlers<S extends string> = { readonly [L in LocalName<ActionName, S>]?: Handler<`${S}.${L}`> };

/** The `actions` block of a service: params, checks and types come from the contracts. */
export function answers<const S extends string>(
  service: S,
  handlers: Handlers<NoInfer<S>>,
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
