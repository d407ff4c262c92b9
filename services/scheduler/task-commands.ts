import type { Context } from "moleculer";
import type { Clock } from "../../shared/clock.ts";
import type { ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import type { CommandRef } from "../../shared/contracts/command.ts";
import type { Causation } from "../../shared/contracts/event.ts";
import { isoInstant } from "../../shared/contracts/instants.ts";
import { AppError } from "../../shared/errors.ts";
import { type Caller, call, causeOf, type Meta, readOnlyCall } from "../../shared/service.ts";
import type { RunCancellation } from "./runs/cancellation.ts";
import type { ManualRuns } from "./runs/manual-runs.ts";
import type { Revocation } from "./runs/revocation.ts";
import type { TaskCommandHandler } from "./store/task-command-handler.ts";
import { checkParamsSize, completeDefinition, triggerOf } from "./task/definition.ts";
import { isDefined, openRunOf, openRunsOf, revokedRuns, TaskNotFound } from "./task/task-state.ts";

/** The call that a command came with. */
export interface Request {
  readonly caller: Caller;
  /** Of the events that the command stores. */
  readonly cause: Causation;
  /** The same for each repetition of the call. */
  readonly ref: CommandRef;
}

type RunCommand = "runNow" | "cancel";
export type CommandName = `scheduler.${"create" | "change" | "pause" | "resume" | "delete" | RunCommand}`;

/** The changing actions of the contract, as the active scheduler executes them. */
export type TaskCommands = {
  readonly [N in CommandName]: (params: ActionParams<N>, request: Request) => Promise<ActionResult<N>>;
};

export class SchedulingDisabled extends AppError {
  constructor() {
    super("Scheduling is switched off (TASK_ENABLE=false)", {
      type: "TASK_DISABLED",
    });
  }
}

/** An executor that may have a run of a deleted task does not respond. */
export class CancellationPending extends AppError {
  constructor(runId: string) {
    super("An executor that may have the run does not respond; try again in a few seconds", {
      type: "WHEREABOUTS_UNKNOWN",
      data: { runId },
    });
  }
}

export interface TaskCommandsOptions {
  readonly commandHandler: Pick<TaskCommandHandler, "handle" | "state">;
  readonly revocation: Revocation;
  readonly manualRuns: ManualRuns;
  readonly cancellation: RunCancellation;
  readonly clock: Clock;
  /** Time zone of tasks that define none. */
  readonly timezone: string;
}

export function taskCommands({
  commandHandler,
  revocation,
  manualRuns,
  cancellation,
  clock,
  timezone,
}: TaskCommandsOptions): TaskCommands {
  /** Everything that can be rejected is rejected here, before anything is stored. */
  async function complete<P extends ActionParams<"scheduler.create">>(params: P, { caller }: Request) {
    const { isActive, ...input } = params;
    const definition = completeDefinition(input, timezone);
    triggerOf(definition, clock.now());
    checkParamsSize(definition);
    await call(caller, "executor.validate", { handler: input.handler, params: input.params }, readOnlyCall);
    return { definition, isActive };
  }

  return {
    async "scheduler.create"({ taskId: given, ...params }, request) {
      const { definition, isActive } = await complete(params, request);
      const taskId = given ?? request.ref.id;
      const now = clock.now();
      await commandHandler.handle({ type: "create", taskId, definition, isActive, now }, request);
      return { id: taskId };
    },

    /** Runs of the old definition that were dispatched still start. Resolves after their planned times. */
    async "scheduler.change"({ taskId, ...params }, request) {
      const { definition, isActive } = await complete(params, request);
      const command = { type: "change", taskId, definition, isActive, now: clock.now() } as const;
      const { before, after } = await commandHandler.handle(command, request);
      await cancellation.endWaiting(taskId, openRunsOf(after));
      const openRuns = isDefined(before) ? before.openRuns : [];
      await revocation.waitForPlannedTimes(openRuns.filter(({ isRevoked }) => !isRevoked));
      return null;
    },

    async "scheduler.pause"({ taskId }, request) {
      const { changed, after } = await commandHandler.handle(
        { type: "pause", taskId, now: clock.now() },
        request,
      );
      await revocation.revoke(taskId, revokedRuns(after));
      await cancellation.endWaiting(taskId, openRunsOf(after));
      return { changed };
    },

    async "scheduler.resume"({ taskId }, request) {
      const state = await commandHandler.state(taskId);
      if (!isDefined(state)) throw new TaskNotFound(taskId);
      const { handler, params } = state.definition;
      await call(request.caller, "executor.validate", { handler, params }, readOnlyCall);
      const { changed } = await commandHandler.handle({ type: "resume", taskId, now: clock.now() }, request);
      return { changed };
    },

    async "scheduler.delete"({ taskId }, request) {
      const { after } = await commandHandler.handle({ type: "delete", taskId, now: clock.now() }, request);
      await revocation.revoke(taskId, revokedRuns(after));
      await cancellation.endWaiting(taskId, openRunsOf(after));
      return null;
    },

    /** The id of the run is that of the command, so a repeated call dispatches no second run. */
    async "scheduler.runNow"({ taskId }, { cause, ref }) {
      const runId = ref.id;
      const command = { type: "runNow", taskId, runId, now: clock.now() } as const;
      await manualRuns.admit({ taskId, runId }, () =>
        commandHandler.handle(command, { ref, cause: { ...cause, correlationid: runId } }),
      );
      return { runId };
    },

    /** Resolves when the run cannot start any more, except at an executor that is out of reach and has to confirm it. */
    async "scheduler.cancel"({ runId }, request) {
      const { taskId, status } = await cancellation.find(runId);
      if (status !== "queued" && status !== "running" && status !== "retrying")
        return { changed: false, status };
      const by = request.cause.actor ?? null;
      const now = clock.now();
      if (!isDefined(await commandHandler.state(taskId))) {
        // The task was deleted, so its runs were revoked before, and nothing about them is stored with it.
        const run = { taskId, runId, cancellation: { at: isoInstant(now), by } };
        if (!(await cancellation.carryOut(run))) throw new CancellationPending(runId);
        return { changed: true, status: "cancelling" };
      }
      const { changed, after } = await commandHandler.handle(
        { type: "cancelRun", taskId, runId, by, now },
        request,
      );
      const run = openRunOf(after, runId);
      if (!run?.cancellation) return { changed, status: (await cancellation.find(runId)).status };
      const isWaiting = run.retryAt !== undefined;
      await cancellation.carryOut({ taskId, runId, cancellation: run.cancellation, isWaiting });
      return { changed, status: "cancelling" };
    },
  };
}

export function requestOf(context: Context<unknown, Meta>, ref: CommandRef): Request {
  const { requestID } = context;
  const causation = requestID ? { causationid: requestID } : {};
  return { caller: context, ref, cause: { ...causeOf(context), ...causation } };
}
