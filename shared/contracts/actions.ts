import { accessActions } from "./access-actions.ts";
import type { ParamsOf, ResultOf } from "./action.ts";
import { authTestActions } from "./auth-test-contracts.ts";
import { crawlerActions } from "./crawler-actions.ts";
import { executorActions } from "./executor-actions.ts";
import { operationActions } from "./operation-actions.ts";
import { recordsActions } from "./records-actions.ts";
import { roleActions } from "./role-contracts.ts";
import { schedulerActions } from "./scheduler-actions.ts";
import { userActions } from "./user-contracts.ts";

/** Every action that one service may call on another. */
export const actions = {
  ...schedulerActions,
  ...executorActions,
  ...recordsActions,
  ...operationActions,
  ...crawlerActions,
  ...userActions,
  ...roleActions,
  ...authTestActions,
  ...accessActions,
} as const;

export type Actions = typeof actions;
export type ActionName = keyof Actions;
export type ActionParams<N extends ActionName> = ParamsOf<Actions[N]>;
export type ActionResult<N extends ActionName> = ResultOf<Actions[N]>;
