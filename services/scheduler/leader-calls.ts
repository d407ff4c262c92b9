import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "moleculer";
import type { ActionAnswer, ActionName, ActionParams } from "../../shared/contracts/actions.ts";
import { AppError, errorType } from "../../shared/errors.ts";
import { call, type Meta } from "../../shared/service.ts";

export class NoLeader extends AppError {
  constructor() {
    super("No scheduler is active at the moment; try again in a few seconds.", {
      type: "SCHEDULER_NO_LEADER",
      code: 503,
      retryable: true,
    });
  }
}

interface Forwarding extends Meta {
  /** Set on a call that a standby passed on: it is not passed on again. */
  isForwarded?: boolean;
}

export interface LeaderCallsOptions {
  readonly isActive: () => boolean;
  /** Node that holds the lease, as far as is known. */
  readonly leader: () => string | null;
  readonly nodeId: string;
  /** How long a call waits for somebody to become active. */
  readonly waitMs: number;
}

const POLL_MS = 50;

/**
 * Carries changing actions to the one active scheduler, from whichever node they reach, so that all changes of tasks
 * come from one writer; waits while the lease changes hands. Error: `SCHEDULER_NO_LEADER` (retryable).
 */
export function leaderCalls({ isActive, leader, nodeId, waitMs }: LeaderCallsOptions) {
  return async function atLeader<N extends ActionName>(
    name: N,
    context: Context<ActionParams<N>, Meta>,
    here: () => Promise<ActionAnswer<N>>,
  ): Promise<ActionAnswer<N>> {
    const deadline = performance.now() + waitMs;
    const { isForwarded = false } = context.meta as Forwarding;
    while (!isActive()) {
      const node = leader();
      if (node !== null && node !== nodeId && !isForwarded) {
        try {
          return await call(context, name, context.params, { nodeID: node, meta: { isForwarded: true } });
        } catch (error) {
          if (!mayRepeat(name, context.params, error)) throw error;
        }
      }
      if (performance.now() > deadline) throw new NoLeader();
      await delay(POLL_MS);
    }
    return here();
  };
}

/** The node asked was not, or is no longer, the active one, so that the call may go to another. */
function mayRepeat(name: ActionName, params: object, error: unknown): boolean {
  const type = errorType(error) ?? "";
  if (NOT_BEGUN.includes(type)) return true;
  // It died with the call, which may have been carried out: twice it would be two runs, or two tasks without an id.
  const isHarmless = name !== "scheduler.run" && "taskId" in params;
  return type === "REQUEST_REJECTED" && isHarmless;
}

const NOT_BEGUN = ["SERVICE_NOT_AVAILABLE", "SERVICE_NOT_FOUND", "SCHEDULER_NO_LEADER"];
