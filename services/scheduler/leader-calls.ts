import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "moleculer";
import type { Clock } from "../../shared/clock.ts";
import type { ActionAnswer, ActionName, ActionParams } from "../../shared/contracts/actions.ts";
import { CommandLate, type CommandRef, commandHeaders, commandOf } from "../../shared/contracts/command.ts";
import { AppError, errorType } from "../../shared/errors.ts";
import { objectId } from "../../shared/ids.ts";
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

export interface LeaderCallsOptions {
  readonly isActive: () => boolean;
  /** Node that holds the lease, as far as is known. */
  readonly leader: () => string | null;
  readonly nodeId: string;
  readonly clock: Clock;
  /** How long a call waits for a node to become active. */
  readonly waitMs: number;
  /** How long a command may be carried out whose caller set no deadline; longer than `waitMs`. */
  readonly commandMs: number;
}

const POLL_MS = 50;
/** Set on a call that a standby passed on: it is not passed on again. */
const FORWARDED = "forwarded";

/**
 * Carries changing actions to the one active scheduler, from whichever node they reach, so that all changes of tasks
 * come from one writer; waits while the lease changes hands. A call that names no command is given one here, so that
 * it may be passed on again when a node dies under it.
 * Errors: `SCHEDULER_NO_LEADER` (retryable), `COMMAND_LATE`.
 */
export function leaderCalls(options: LeaderCallsOptions) {
  const { isActive, leader, nodeId, clock, waitMs, commandMs } = options;
  return async function atLeader<N extends ActionName>(
    name: N,
    context: Context<ActionParams<N>, Meta>,
    here: (command: CommandRef) => Promise<ActionAnswer<N>>,
  ): Promise<ActionAnswer<N>> {
    const now = clock.now();
    const command = commandOf(context.headers) ?? { id: objectId(now), deadline: now + commandMs };
    const isForwarded = context.headers?.[FORWARDED] !== undefined;
    const giveUpAt = performance.now() + waitMs;

    /** Resolves to undefined where nobody has carried it out yet. */
    async function attempt(): Promise<{ answer: ActionAnswer<N> } | undefined> {
      const node = leader();
      const isHere = isActive();
      if (!isHere && (node === null || node === nodeId || isForwarded)) return undefined;
      try {
        if (isHere) return { answer: await here(command) };
        // In headers: what is in `meta` would be merged into the caller's and go with its next try.
        const headers = { ...commandHeaders(command), [FORWARDED]: nodeId };
        return { answer: await call(context, name, context.params, { nodeID: node as string, headers }) };
      } catch (error) {
        if (isElsewhere(error) || (!isHere && isUnreached(name, error))) return undefined;
        throw error;
      }
    }

    for (;;) {
      if (clock.now() > command.deadline) throw new CommandLate();
      const carriedOut = await attempt();
      if (carriedOut) return carriedOut.answer;
      if (performance.now() > giveUpAt) throw new NoLeader();
      await delay(POLL_MS);
    }
  };
}

/** The node asked was not, or is no longer, the active one. */
function isElsewhere(error: unknown): boolean {
  const type = errorType(error);
  return type === "SCHEDULER_NO_LEADER" || type === "SCHEDULER_FENCED";
}

/**
 * The node asked is gone, or died with the call: the command may go to another one, which recognises it where it was
 * carried out after all. The same error about a call that the command itself made is its answer.
 */
function isUnreached(name: ActionName, error: unknown): boolean {
  const { data } = error as { data?: { action?: unknown } };
  return UNREACHED.includes(errorType(error) ?? "") && data?.action === name;
}

const UNREACHED = ["SERVICE_NOT_AVAILABLE", "SERVICE_NOT_FOUND", "REQUEST_REJECTED"];
