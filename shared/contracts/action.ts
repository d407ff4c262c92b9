import { compileCheck, type DataOf, type Fields, strictSchema } from "./contract.ts";

/** One action as declared: what it takes, what it answers, and an example call. */
export interface ActionContract<P extends Fields = Fields, R = unknown> {
  readonly summary: string;
  /** Strict: a field that is not named here is refused. */
  readonly params: P;
  readonly example: DataOf<P>;
  /** Carries the static type of the answer only; there is nothing to check at run time. */
  readonly answers: Answer<R>;
}
/** A type without a value. */
export interface Answer<R> {
  readonly type?: R;
}
export const answer = <R>(): Answer<R> => ({});

export function action<const P extends Fields, R>(contract: ActionContract<P, R>): ActionContract<P, R> {
  return contract;
}

export type ActionContracts = Readonly<Record<string, ActionContract>>;
export type ParamsOf<A extends ActionContract> = DataOf<A["params"]>;
export type AnswerOf<A extends ActionContract> = A extends ActionContract<Fields, infer R> ? R : never;

/** `params` as Moleculer's validator wants them: the contract's own, closed for other fields. */
export function strictParams(contract: ActionContract): Record<string, unknown> {
  return strictSchema(contract.params);
}

/** Throws `ContractViolation` unless params satisfy the contract; what the broker does, for tests and tools. */
export function checkParams(name: string, contract: ActionContract, params: unknown): void {
  compileCheck(name, contract.params)(params);
}
