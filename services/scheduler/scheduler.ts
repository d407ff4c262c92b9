import type { Context, ServiceBroker } from "moleculer";
import type { Clock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import type { ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import type { OpenEventStore } from "../../shared/event-store/open-event-store.ts";
import type { Log } from "../../shared/log.ts";
import type { Meta } from "../../shared/service.ts";
import { type ActiveScheduler, activeScheduler } from "./dispatch/active-scheduler.ts";
import { createDueLoop } from "./dispatch/due-loop.ts";
import { createRetryLoop } from "./dispatch/retry-loop.ts";
import { leaderCalls } from "./leadership/leader-calls.ts";
import { createLeadership, type Leadership } from "./leadership/leadership.ts";
import { Fenced, mongoFence } from "./leadership/mongo-fence.ts";
import { type LeaseDocument, type LeaseStore, mongoLease } from "./leadership/mongo-lease.ts";
import { type RunCancellation, runCancellation } from "./runs/cancellation.ts";
import { endedRuns as createEndedRuns, type EndedRuns } from "./runs/ended-runs.ts";
import { executorDiscovery } from "./runs/executor-discovery.ts";
import { inFlightElsewhere } from "./runs/in-flight-elsewhere.ts";
import { manualRuns } from "./runs/manual-runs.ts";
import { mongoManualRuns } from "./runs/mongo-manual-runs.ts";
import { createRevocation } from "./runs/revocation.ts";
import { type RunVerdicts, runVerdicts } from "./runs/run-verdicts.ts";
import { createRunWatch } from "./runs/run-watch.ts";
import { type CommandDocument, mongoCommands } from "./store/mongo-commands.ts";
import { mongoDispatchedRuns } from "./store/mongo-dispatched-runs.ts";
import { mongoTasks, type TaskStore } from "./store/mongo-tasks.ts";
import { createTaskCommandHandler, type TaskCommandHandler } from "./store/task-command-handler.ts";
import type { TaskDocument } from "./store/task-document.ts";
import { storeProblem } from "./store-problem.ts";
import {
  type CommandName,
  requestOf,
  SchedulingDisabled,
  type TaskCommands,
  taskCommands,
} from "./task-commands.ts";

export interface SchedulerOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly broker: ServiceBroker;
  readonly events: OpenEventStore;
}

/** One scheduler node: active or standby. */
export interface Scheduler {
  readonly tasks: Pick<TaskStore, "view" | "list" | "rows">;
  /**
   * Stores the ids of new sessions of this node's transactions, so that a successor can end them.
   *
   * @throws Fenced `SCHEDULER_FENCED`
   */
  registerSessions(): Promise<void>;
  /** Starts to compete for the lease. Every consumer of this process must have subscribed before. */
  start(): void;
  stop(): Promise<void>;
  /**
   * Executes a changing action on the active node, which may be this one.
   *
   * @throws `TASK_DISABLED`, `SCHEDULER_NO_LEADER`, and the errors of the command
   */
  command<N extends CommandName>(name: N, context: Context<ActionParams<N>, Meta>): Promise<ActionResult<N>>;
  readonly verdicts: RunVerdicts;
  status(): ActionResult<"scheduler.status">;
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { config, clock, log, broker, events } = options;
  const tasks = mongoTasks(events.db.collection<TaskDocument>("scheduler_task_list"));
  const { executorAckWaitMs: ackWaitMs } = config;
  const cancellation = runCancellation({ broker, tasks, log, ackWaitMs });
  const onFenced = (epoch: number) => leadership.fenced(epoch);
  const { commandHandler, endedRuns, active } = assembleDispatch(options, { tasks, cancellation, onFenced });
  const { lease, leadership } = assembleLeadership(options, active);
  const commands = assembleCommands(options, { commandHandler, cancellation, leadership });
  const { isActive } = active;
  const onLeader = leaderCalls({
    isActive,
    leader: leadership.leader,
    nodeId: broker.nodeID,
    clock,
    waitMs: config.callTimeoutMs * 0.8,
    commandMs: config.callTimeoutMs,
  });
  const verdicts = runVerdicts({
    bus: broker.bus,
    store: events.store,
    commandHandler,
    endedRuns,
    inFlightElsewhere: inFlightElsewhere(broker, executorDiscovery(broker)),
    isLeader: leadership.isLeader,
    isEndKept: config.natsUrl !== "",
  });
  const runWatch = createRunWatch({
    commandHandler,
    endedRuns,
    cancellation,
    tasks,
    caller: broker,
    clock,
    log,
    isActive,
  });

  return {
    tasks,
    verdicts,

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
      if (!config.taskEnable) throw new SchedulingDisabled();
      return onLeader(name, context, (ref) => commands[name](context.params, requestOf(context, ref)));
    },

    status: () => ({
      active: isActive(),
      leader: leadership.leader(),
      problem: storeProblem(events.outbox),
      skipping: runWatch.skipping(),
    }),
  };
}

interface Dispatch {
  readonly commandHandler: TaskCommandHandler;
  readonly endedRuns: EndedRuns;
  readonly active: ActiveScheduler;
}

/** What the active scheduler works with: the command handler for tasks, the due loop, and the ends of runs. */
function assembleDispatch(
  { config, clock, log, broker, events }: SchedulerOptions,
  {
    tasks,
    cancellation,
    onFenced,
  }: {
    readonly tasks: TaskStore;
    readonly cancellation: RunCancellation;
    readonly onFenced: (epoch: number) => void;
  },
): Dispatch {
  const { outbox, store, db } = events;
  const fence = mongoFence(db, log);
  const commandHandler = createTaskCommandHandler({
    store,
    tasks,
    commands: mongoCommands(db.collection<CommandDocument>("scheduler_commands")),
    fence,
    clock,
    maxBatch: config.maxTaskBatch,
    onMoved(taskId, state) {
      loop.stateChanged(taskId, state);
      retries.stateChanged(taskId, state);
    },
    onFenced,
  });
  const endedRuns = createEndedRuns({ caller: broker, commandHandler, log });
  const loop = createDueLoop({
    tasks,
    commandHandler,
    clock,
    log,
    lookAheadMs: config.lookAheadMs,
    aheadMs: config.dispatchAheadMs,
    onLoaded: endedRuns.reconcile,
  });
  const retries = createRetryLoop({
    tasks,
    commandHandler,
    dispatched: mongoDispatchedRuns(db.collection<EventDocument>("events")),
    clock,
    log,
    lookAheadMs: config.lookAheadMs,
  });
  const { bus } = broker;
  const ackWaitMs = Math.max(1000, config.leaseMs / 2);
  const active = activeScheduler({
    outbox,
    commandHandler,
    loop,
    fence,
    bus,
    tasks,
    endedRuns,
    cancellation,
    retries,
    log,
    ackWaitMs,
  });
  return { commandHandler, endedRuns, active };
}

function assembleLeadership(
  { config, log, broker, events: { db, outbox, sessions } }: SchedulerOptions,
  active: ActiveScheduler,
): { readonly lease: LeaseStore; readonly leadership: Leadership } {
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
  return { lease, leadership };
}

function assembleCommands(
  { config, clock, log, broker, events }: SchedulerOptions,
  {
    commandHandler,
    cancellation,
    leadership: { epoch },
  }: {
    readonly commandHandler: TaskCommandHandler;
    readonly cancellation: RunCancellation;
    readonly leadership: Leadership;
  },
): TaskCommands {
  return taskCommands({
    commandHandler,
    revocation: createRevocation({
      broker,
      discovery: executorDiscovery(broker),
      clock,
      log,
      aheadMs: config.dispatchAheadMs,
    }),
    manualRuns: manualRuns({
      perMinute: config.manualRunsPerMinute,
      clock,
      epoch,
      recent: mongoManualRuns(events.db.collection<EventDocument>("events")),
    }),
    cancellation,
    clock,
    timezone: config.timezone,
  });
}
