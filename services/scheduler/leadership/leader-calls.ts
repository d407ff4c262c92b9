import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "moleculer";
import type { Clock } from "../../../shared/clock.ts";
import type { ActionName, ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import {
  CommandLate,
  type CommandRef,
  commandHeaders,
  commandOf,
} from "../../../shared/contracts/command.ts";
import { AppError, errorType } from "../../../shared/errors.ts";
import { objectId } from "../../../shared/ids.ts";
import { call, type Meta } from "../../../shared/service.ts";

export class NoLeader extends AppError {
  constructor() {
    super("No scheduler is active at the moment; try again in a few seconds.", {
      type: "SCHEDULER_NO_LEADER",
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
    here: (command: CommandRef) => Promise<ActionResult<N>>,
  ): Promise<ActionResult<N>> {
    const now = clock.now();
    const command = commandOf(context.headers) ?? { id: objectId(now), deadline: now + commandMs };
    const isForwarded = context.headers?.[FORWARDED] !== undefined;
    const giveUpAt = performance.now() + waitMs;

    /**
     * Passes the call on. Resolves to undefined once another node leads: the one asked may be frozen, and if it has
     * carried the command out, the next one recognises it.
     */
    async function pass(node: string): Promise<{ answer: ActionResult<N> } | undefined> {
      // In headers: what is in `meta` would be merged into the caller's and go with its next try.
      const headers = { ...commandHeaders(command), [FORWARDED]: nodeId };
      const answer = call(context, name, context.params, { nodeID: node, headers });
      const leading = new AbortController();
      try {
        return await Promise.race([
          answer.then((value) => ({ answer: value })),
          untilOther(node, leading.signal),
        ]);
      } finally {
        leading.abort();
        answer.catch(() => undefined);
      }
    }

    async function untilOther(node: string, signal: AbortSignal): Promise<undefined> {
      while (!signal.aborted && leader() === node) await delay(POLL_MS);
    }

    /** Resolves to undefined where nobody has carried it out yet. */
    async function attempt(): Promise<{ answer: ActionResult<N> } | undefined> {
      const node = leader();
      const isHere = isActive();
      try {
        if (isHere) return { answer: await here(command) };
        if (node === null || node === nodeId) return undefined;
        // Who passed it on knows better by now than to ask this node.
        if (isForwarded) throw new NoLeader();
        return await pass(node);
      } catch (error) {
        if (isHere ? errorType(error) === "SCHEDULER_FENCED" : !isForwarded && isUnreached(name, error))
          return undefined;
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

/**
 * The node asked is not the active one, is gone, or died with the call: the command may go to another one, which
 * recognises it where it was carried out after all. The same error about a call that the command itself made is its
 * answer.
 */
function isUnreached(name: ActionName, error: unknown): boolean {
  const type = errorType(error) ?? "";
  if (type === "SCHEDULER_NO_LEADER" || type === "SCHEDULER_FENCED") return true;
  const { data } = error as { data?: { action?: unknown } };
  return UNREACHED.includes(type) && data?.action === name;
}

const UNREACHED = ["SERVICE_NOT_AVAILABLE", "SERVICE_NOT_FOUND", "REQUEST_REJECTED"];
