import type { CallingOptions } from "moleculer";
import type { ActionName, ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import type { Checked, DataOf, Fields } from "../../../shared/contracts/contract.ts";
import type { ParamFault } from "../../../shared/contracts/handler-faults.ts";
import type { Caller } from "../../../shared/service.ts";
import { HandlerParamsInvalid, nullsLeftOut, paramsChecker } from "./handler-params.ts";

/** Lines for the run's log; they are stored with its record. */
export interface HandlerLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What a handler is given besides its params. */
export interface HandlerContext {
  readonly runId: string;
  readonly taskId: string;
  /** 1, then one more for each retry. */
  readonly attempt: number;
  /** The instant the run was planned for, ISO-8601 UTC. */
  readonly plannedAt: string;
  readonly log: HandlerLog;
  /** Aborted at the timeout and when the executor has to stop: pass it on to whatever waits. */
  readonly signal: AbortSignal;
  /** Reports how far the run is, 0 to 100; at most one report a second is sent, the last one always. */
  progress(percent: number, message?: string): void;
  /** Calls an action of the contracts; rejects as soon as `signal` is aborted. */
  call<N extends ActionName>(
    name: N,
    params: ActionParams<N>,
    options?: CallingOptions,
  ): Promise<ActionResult<N>>;
  /** The same for actions that no contract of this project declares. */
  readonly caller: Caller;
}

export interface HandlerDefinition<F extends Fields> {
  /** Unique; `<module>.<name>`, e.g. `test.main.Test`. Tasks name it as their `job_class`. */
  readonly name: string;
  readonly title: string;
  /** Null for an optional field counts as left out, unless the field is `any` or `nullable`. */
  readonly params: F;
  /** Limit of an attempt whose task states none; without it the executor's own limit holds. */
  readonly timeoutMs?: number;
  /** Rules that the schema cannot say; called with params that satisfy it, when a task is created and run. */
  check?(params: DataOf<F>): ParamFault | undefined;
  /** Does the work. What it returns is the run's result (plain JSON), what it throws the run's failure. */
  run(params: DataOf<F>, context: HandlerContext): unknown;
}

/** A handler as the executor holds it: params are checked before they are typed. */
export interface Handler {
  readonly name: string;
  readonly title: string;
  readonly params: Fields;
  readonly timeoutMs: number | undefined;
  /** Throws `HandlerParamsInvalid` (`HANDLER_PARAMS_INVALID`). */
  checkParams(params: unknown): void;
  /** Only with params that `checkParams` let pass. */
  run(params: unknown, context: HandlerContext): unknown;
}

/**
 * Declares a handler: schema, static type of `params` and code in one place.
 *
 * @example
 * export const greet = defineHandler({
 *   name: "demo.greet",
 *   title: "Says hello",
 *   params: { name: { type: "string", min: 1 } },
 *   run: ({ name }, { log }) => log.info(`hello ${name}`),
 * });
 */
export function defineHandler<const F extends Fields>(
  definition: HandlerDefinition<F> & { readonly params: Checked<NoInfer<F>> },
): Handler {
  const { name, title, params: fields, timeoutMs } = definition;
  const checkShape = paramsChecker(fields);
  const withoutNulls = nullsLeftOut(fields);
  return {
    name,
    title,
    params: fields,
    timeoutMs,
    checkParams(params) {
      const fault = checkShape(params) ?? definition.check?.(withoutNulls(params as DataOf<F>));
      if (fault) throw new HandlerParamsInvalid(name, fault);
    },
    run: (params, context) => definition.run(withoutNulls(params as DataOf<F>), context),
  };
}
