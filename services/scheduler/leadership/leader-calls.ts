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
    super("No scheduler is active at the moment; try again in a few seconds", {
      type: "SCHEDULER_NO_LEADER",
    });
  }
}

export interface LeaderCallsOptions {
  readonly isActive: () => boolean;
  /** Node that holds the lease, if it is known. */
  readonly leader: () => string | null;
  readonly nodeId: string;
  readonly clock: Clock;
  /** How long a call waits for a node to become active. */
  readonly waitMs: number;
  /** Deadline of commands whose caller set none, from the call on; longer than `waitMs`. */
  readonly commandMs: number;
}

const POLL_MS = 50;
/** Marks a call that a standby has forwarded. It is not forwarded again. */
const FORWARDED = "forwarded";

/**
 * Executes changing actions on the active scheduler, regardless of the node that receives them, so that only one node
 * changes tasks. Waits while the lease changes hands. A call without a command gets one here, so that it can be
 * forwarded again if a node dies while it executes the call.
 *
 * @throws NoLeader `SCHEDULER_NO_LEADER` (retryable); CommandLate `COMMAND_LATE`; the errors of the action
 */
export function leaderCalls(options: LeaderCallsOptions) {
  const { isActive, leader, nodeId, clock, waitMs, commandMs } = options;
  return async function onLeader<N extends ActionName>(
    name: N,
    context: Context<ActionParams<N>, Meta>,
    here: (command: CommandRef) => Promise<ActionResult<N>>,
  ): Promise<ActionResult<N>> {
    const now = clock.now();
    const command = commandOf(context.headers) ?? { id: objectId(now), deadline: now + commandMs };
    const isForwarded = context.headers?.[FORWARDED] !== undefined;
    const waitUntil = performance.now() + waitMs;

    /**
     * Forwards the call. Resolves to undefined if another node becomes the leader meanwhile: the first one may be
     * frozen. If it has executed the command, the next one recognises it.
     */
    async function forward(node: string): Promise<{ result: ActionResult<N> } | undefined> {
      // In headers, because `meta` is merged into that of the caller, which sends it again when it retries.
      const headers = { ...commandHeaders(command), [FORWARDED]: nodeId };
      const called = call(context, name, context.params, { nodeID: node, headers });
      const leading = new AbortController();
      try {
        return await Promise.race([called.then((result) => ({ result })), untilOther(node, leading.signal)]);
      } finally {
        leading.abort();
        called.catch(() => undefined);
      }
    }

    async function untilOther(node: string, signal: AbortSignal): Promise<undefined> {
      while (!signal.aborted && leader() === node) await delay(POLL_MS);
    }

    /** Resolves to undefined if no node has executed the command yet. */
    async function attempt(): Promise<{ result: ActionResult<N> } | undefined> {
      const node = leader();
      const isHere = isActive();
      try {
        if (isHere) return { result: await here(command) };
        if (node === null || node === nodeId) return undefined;
        // The node that forwarded the call looks for the leader again.
        if (isForwarded) throw new NoLeader();
        return await forward(node);
      } catch (error) {
        if (isHere ? errorType(error) === "SCHEDULER_FENCED" : !isForwarded && isUnreached(name, error))
          return undefined;
        throw error;
      }
    }

    for (;;) {
      if (clock.now() > command.deadline) throw new CommandLate();
      const executed = await attempt();
      if (executed) return executed.result;
      if (performance.now() > waitUntil) throw new NoLeader();
      await delay(POLL_MS);
    }
  };
}

/**
 * True if the called node is not the active one, is gone, or died during the call. Then the command may go to another
 * node, which recognises it if it was executed after all. The same error of a call that the command made is its result.
 */
function isUnreached(name: ActionName, error: unknown): boolean {
  const type = errorType(error) ?? "";
  if (type === "SCHEDULER_NO_LEADER" || type === "SCHEDULER_FENCED") return true;
  const { data } = error as { data?: { action?: unknown } };
  return UNREACHED.includes(type) && data?.action === name;
}

const UNREACHED = ["SERVICE_NOT_AVAILABLE", "SERVICE_NOT_FOUND", "REQUEST_REJECTED"];
