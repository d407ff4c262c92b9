import type { CallingOptions } from "moleculer";
import type { ActionName, ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import type { Checked, DataOf, Fields } from "../../../shared/contracts/contract.ts";
import type { ParamFault } from "../../../shared/contracts/handler-faults.ts";
import type { Caller } from "../../../shared/service.ts";
import { HandlerParamsInvalid, paramsChecker, withoutNullsOf } from "./handler-params.ts";

/** Writes lines to the run's log, which is stored with its record. */
export interface HandlerLog {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** What a handler receives in addition to its params. */
export interface HandlerContext {
  readonly runId: string;
  readonly taskId: string;
  /** 1, then one more for each retry. */
  readonly attempt: number;
  /** The run's planned time, ISO-8601 UTC. */
  readonly plannedAt: string;
  readonly log: HandlerLog;
  /** Aborted at the time limit and when the executor stops: pass it to every call that waits. */
  readonly signal: AbortSignal;
  /** Reports the run's progress, 0 to 100. At most one report a second is published; the last one always is. */
  progress(percent: number, message?: string): void;
  /** Calls an action of the contracts; rejects when `signal` is aborted. */
  call<N extends ActionName>(
    name: N,
    params: ActionParams<N>,
    options?: CallingOptions,
  ): Promise<ActionResult<N>>;
  /** Calls actions that no contract of this project declares. */
  readonly caller: Caller;
}

export interface HandlerDefinition<F extends Fields> {
  /** Unique; `<module>.<name>`, e.g. `test.main.Test`. Tasks name it as their `job_class`. */
  readonly name: string;
  readonly title: string;
  /** For an optional field, null means that it is omitted, unless the field is `any` or `nullable`. */
  readonly params: F;
  /** Time limit of an attempt if its task has none; default: the executor's limit. */
  readonly timeoutMs?: number;
  /** Rules that the schema cannot express; called with params that satisfy it, when a task is created and when it runs. */
  check?(params: DataOf<F>): ParamFault | undefined;
  /** Does the work. Its return value is the run's result (plain JSON); its error is the run's failure. */
  run(params: DataOf<F>, context: HandlerContext): unknown;
}

/** A handler without the static type of its params, which are checked before each call. */
export interface Handler {
  readonly name: string;
  readonly title: string;
  readonly params: Fields;
  readonly timeoutMs: number | undefined;
  /** @throws `HANDLER_PARAMS_INVALID` */
  checkParams(params: unknown): void;
  /** Must be called only with params that passed `checkParams`. */
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
  const withoutNulls = withoutNullsOf(fields);
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
