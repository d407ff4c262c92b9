import type { Context, ServiceBroker } from "moleculer";
import type { Clock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import type { ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import type { CommandRef } from "../../shared/contracts/command.ts";
import type { RunVerdict } from "../../shared/contracts/scheduler-actions.ts";
import { AppError } from "../../shared/errors.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import type { OpenEventStore } from "../../shared/event-store/open-event-store.ts";
import type { Outbox } from "../../shared/event-store/outbox.ts";
import type { Log } from "../../shared/log.ts";
import type { Meta } from "../../shared/service.ts";
import { type ActiveScheduler, activeScheduler } from "./dispatch/active-scheduler.ts";
import { createDueLoop } from "./dispatch/due-loop.ts";
import { leaderCalls } from "./leadership/leader-calls.ts";
import { createLeadership, type Leadership } from "./leadership/leadership.ts";
import { Fenced, mongoFence } from "./leadership/mongo-fence.ts";
import { type LeaseDocument, type LeaseStore, mongoLease } from "./leadership/mongo-lease.ts";
import { type EndedRuns, endedRuns } from "./runs/ended-runs.ts";
import { heldElsewhere } from "./runs/executor-holdings.ts";
import { manualRuns } from "./runs/manual-runs.ts";
import { mongoManualRuns } from "./runs/mongo-manual-runs.ts";
import { createRevocation } from "./runs/revocation.ts";
import { type RunVerdicts, runVerdicts } from "./runs/run-verdicts.ts";
import { createRunWatch } from "./runs/run-watch.ts";
import { type CommandDocument, mongoCommands } from "./store/mongo-commands.ts";
import { mongoTasks, type TaskStore } from "./store/mongo-tasks.ts";
import { createTaskCommandHandler, type TaskCommandHandler } from "./store/task-command-handler.ts";
import type { TaskDocument } from "./store/task-document.ts";
import { type CommandName, type Request, type TaskCommands, taskCommands } from "./task-commands.ts";

export interface SchedulerOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly broker: ServiceBroker;
  readonly events: OpenEventStore;
}

/** One scheduler node: active or standing by. */
export interface Scheduler {
  readonly tasks: Pick<TaskStore, "view" | "list" | "rows">;
  /** Makes new sessions of the store's transactions known to a successor. Error: `SCHEDULER_FENCED`. */
  registerSessions(): Promise<void>;
  /** Begins to compete for the lease; every consumer of this process must have subscribed before. */
  start(): void;
  stop(): Promise<void>;
  /** Carries out a changing action here or at the active node. Errors: `TASK_DISABLED`, `SCHEDULER_NO_LEADER`, the command's. */
  command<N extends CommandName>(name: N, context: Context<ActionParams<N>, Meta>): Promise<ActionResult<N>>;
  readonly verdicts: RunVerdicts;
  /** On one run, for executors of version 0.1. Error: `VERDICT_UNKNOWN` (retryable). */
  verdict(run: ActionParams<"scheduler.confirm">, asker: string): Promise<RunVerdict>;
  status(): ActionResult<"scheduler.status">;
}

export class TaskDisabled extends AppError {
  constructor() {
    super("Scheduling is switched off (TASK_ENABLE=false)", {
      type: "TASK_DISABLED",
    });
  }
}

class VerdictUnknown extends AppError {
  constructor() {
    super("Whether the run may start is not known yet; ask again.", {
      type: "VERDICT_UNKNOWN",
    });
  }
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { config, broker, events } = options;
  const tasks = mongoTasks(events.db.collection<TaskDocument>("scheduler_task_list"));
  const { active, leadership, lease, commands, commandHandler, ended } = assemble(options, tasks);
  const { isActive } = active;
  const atLeader = leaderCalls({
    isActive,
    leader: leadership.leader,
    nodeId: broker.nodeID,
    clock: options.clock,
    waitMs: config.callTimeoutMs * 0.8,
    commandMs: config.callTimeoutMs,
  });

  const verdicts = runVerdicts({
    bus: broker.bus,
    store: events.store,
    commandHandler,
    endedRuns: ended,
    heldElsewhere: heldElsewhere(broker),
    isLeader: leadership.isLeader,
    isEndKept: config.natsUrl !== "",
  });

  const runWatch = createRunWatch({
    commandHandler,
    tasks,
    caller: broker,
    clock: options.clock,
    log: options.log,
    isActive,
  });

  return {
    tasks,

    start() {
      if (!config.taskEnable) return;
      leadership.start();
      runWatch.start();
    },

    stop: async () => void (await Promise.all([leadership.stop(), runWatch.stop()])),

    async registerSessions() {
      const epoch = leadership.epoch();
      if (epoch === null || !(await lease.register(epoch))) throw new Fenced();
    },

    async command(name, context) {
      if (!config.taskEnable) throw new TaskDisabled();
      return atLeader(name, context, (ref) => commands[name](context.params, requestOf(context, ref)));
    },

    verdicts,

    async verdict({ taskId, runId }, asker) {
      const answer = await verdicts([{ taskId, runId, mayHaveEnded: true }], asker);
      const [verdict = "unknown"] = answer.verdicts;
      if (verdict === "unknown") throw new VerdictUnknown();
      return verdict;
    },

    status: () => ({
      active: isActive(),
      leader: leadership.leader(),
      problem: storeProblem(events.outbox),
      skipping: runWatch.skipping(),
    }),
  };
}

const SLOW_MS = 3000;

/** What keeps a scheduler from its work although it holds the lease. */
function storeProblem(outbox: Outbox): string | null {
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;
  const blockedMs = outbox.blockedForMs();
  if (blockedMs > 0)
    return `no event is sent: the outcome of a commit has been unknown for ${seconds(blockedMs)}`;
  const slowMs = outbox.oldestTransactionMs();
  return slowMs > SLOW_MS ? `MongoDB has not completed a transaction for ${seconds(slowMs)}` : null;
}

interface Assembly {
  readonly active: ActiveScheduler;
  readonly leadership: Leadership;
  readonly lease: LeaseStore;
  readonly commands: TaskCommands;
  readonly commandHandler: TaskCommandHandler;
  readonly ended: EndedRuns;
}

function assemble({ config, clock, log, broker, events }: SchedulerOptions, tasks: TaskStore): Assembly {
  const { outbox, store, db, sessions } = events;
  const fence = mongoFence(db, log);
  const commandHandler = createTaskCommandHandler({
    store,
    tasks,
    commands: mongoCommands(db.collection<CommandDocument>("scheduler_commands")),
    fence,
    clock,
    maxBatch: config.maxTaskBatch,
    onMoved: (taskId, state) => loop.moved(taskId, state),
    onFenced: (epoch) => leadership.fenced(epoch),
  });
  const ended = endedRuns({ caller: broker, commandHandler, log });
  const loop = createDueLoop({
    tasks,
    commandHandler,
    clock,
    log,
    lookAheadMs: config.lookAheadMs,
    aheadMs: config.dispatchAheadMs,
    onLoaded: ended.reconcile,
  });
  const ackWaitMs = Math.max(1000, config.leaseMs / 2);
  const active = activeScheduler({
    outbox,
    commandHandler,
    loop,
    fence,
    bus: broker.bus,
    tasks,
    reconcile: ended.reconcile,
    log,
    ackWaitMs,
  });
  const lease = mongoLease({
    leases: db.collection<LeaseDocument>("leases"),
    name: "scheduler",
    holder: broker.nodeID,
    timeoutMs: Math.max(100, config.leaseMs / 3),
    sessions: sessions.ids,
  });
  const leadership = createLeadership({
    lease,
    holder: broker.nodeID,
    leaseMs: config.leaseMs,
    log,
    onGained: active.begin,
    onLost: active.end,
    impediment: () =>
      outbox.blockedForMs() > config.leaseMs ? "the outcome of a commit has been unknown for too long" : null,
  });
  const revocation = createRevocation({ broker, clock, log, aheadMs: config.dispatchAheadMs });
  const manual = manualRuns({
    perMinute: config.manualRunsPerMinute,
    clock,
    epoch: leadership.epoch,
    recent: mongoManualRuns(db.collection<EventDocument>("events")),
  });
  const commands = taskCommands({
    commandHandler,
    revocation,
    manualRuns: manual,
    clock,
    timezone: config.timezone,
  });
  return { active, leadership, lease, commands, commandHandler, ended };
}

function requestOf(context: Context<unknown, Meta>, ref: CommandRef): Request {
  const { requestID, meta } = context;
  return {
    caller: context,
    ref,
    cause: {
      ...(requestID ? { correlationid: requestID, causationid: requestID } : {}),
      ...(meta.traceparent ? { traceparent: meta.traceparent } : {}),
      ...(meta.actor ? { actor: meta.actor } : {}),
    },
  };
}
