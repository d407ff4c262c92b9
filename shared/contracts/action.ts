import {
  type Checked,
  compileCheck,
  type DataOf,
  deepFrozen,
  type Fields,
  strictSchema,
} from "./contract.ts";
import type { Permission } from "./permissions.ts";

/** One action as declared: its params, its result, and an example call. */
export interface ActionContract<P extends Fields = Fields, R = unknown> {
  readonly summary: string;
  /** Strict: a field that is not named here is rejected. */
  readonly params: P;
  readonly example: DataOf<P>;
  /** What the actor of a call must be allowed to do, if there is an actor. */
  readonly permission?: Permission;
  /** Has the static type of the result only; nothing checks results at run time. */
  readonly returns: Returns<R>;
}
/** A type without a value. */
export interface Returns<R> {
  readonly type?: R;
}
export const returns = <R>(): Returns<R> => ({});

/** Declares one action. Frozen: every service reads the same declaration. */
export function action<const P extends Fields, R>(
  contract: ActionContract<P, R> & { readonly params: Checked<NoInfer<P>> },
): ActionContract<P, R> {
  return deepFrozen(contract);
}

export type ActionContracts = Readonly<Record<string, ActionContract>>;
export type ParamsOf<A extends ActionContract> = DataOf<A["params"]>;
export type ResultOf<A extends ActionContract> = A extends ActionContract<Fields, infer R> ? R : never;

/** `params` as Moleculer's validator wants them: the contract's own, closed for other fields. */
export function strictParams(contract: ActionContract): Record<string, unknown> {
  return strictSchema(contract.params);
}

/** Throws `CONTRACT_VIOLATION` unless params satisfy the contract; what the broker does, for tests and tools. */
export function checkParams(name: string, contract: ActionContract, params: unknown): void {
  compileCheck(name, contract.params)(params);
}
