import type { CallingOptions, Context, ServiceBroker } from "moleculer";
import type { Clock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import type { ActionAnswer, ActionParams } from "../../shared/contracts/actions.ts";
import type { CommandRef } from "../../shared/contracts/command.ts";
import type { TaskEvent } from "../../shared/contracts/task-events.ts";
import { AppError } from "../../shared/errors.ts";
import { fold } from "../../shared/event-store/decider.ts";
import type { OpenEventStore } from "../../shared/event-store/open-event-store.ts";
import type { Log } from "../../shared/log.ts";
import { call, type Meta, query } from "../../shared/service.ts";
import {
  type ActiveScheduler,
  activeScheduler,
  endOf,
  plannedRun,
  reconcileRuns,
} from "./active-scheduler.ts";
import { createDueLoop } from "./due-loop.ts";
import { leaderCalls } from "./leader-calls.ts";
import { createLeadership, type Leadership } from "./leadership.ts";
import { type CommandDocument, mongoCommands } from "./mongo-commands.ts";
import { Fenced, mongoFence } from "./mongo-fence.ts";
import { type LeaseDocument, type LeaseStore, mongoLease } from "./mongo-lease.ts";
import { mongoTasks, type TaskStore } from "./mongo-tasks.ts";
import { createRevocation } from "./revocation.ts";
import { task } from "./task.ts";
import { type CommandName, type Request, type TaskCommands, taskCommands } from "./task-commands.ts";
import type { TaskDocument } from "./task-document.ts";
import { createTaskLedger, type TaskLedger } from "./task-ledger.ts";
import { type ActiveRun, runOf, verdictOn } from "./task-state.ts";

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
  command<N extends CommandName>(name: N, context: Context<ActionParams<N>, Meta>): Promise<ActionAnswer<N>>;
  verdict(
    params: Pick<ActionParams<"scheduler.confirm">, "taskId" | "runId">,
  ): Promise<ActionAnswer<"scheduler.confirm">>;
  status(): ActionAnswer<"scheduler.status">;
}

export class TaskDisabled extends AppError {
  constructor() {
    super("项目配置中未开启定时任务引擎：kinit_fast_task/config.py:TaskSettings.TASK_ENABLE", {
      type: "TASK_DISABLED",
      code: 400,
    });
  }
}

/** Ends of runs are on the bus that were not heard of yet, so nobody can say which runs have ended. */
class EndsUnheard extends AppError {
  constructor() {
    super("The ends of runs are not settled up to now; ask again.", {
      type: "ENDS_UNHEARD",
      code: 503,
      retryable: true,
    });
  }
}

const HEAR_LIMIT_MS = 1000;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { config, broker, events } = options;
  const tasks = mongoTasks(events.db.collection<TaskDocument>("scheduler_task_list"));
  const { active, leadership, lease, commands, ledger } = assemble(options, tasks);
  const { isActive } = active;
  /** A bus outside of this process keeps the end of a run until everybody has heard of it. */
  const isEndKept = config.natsUrl !== "";
  const atLeader = leaderCalls({
    isActive,
    leader: leadership.leader,
    nodeId: broker.nodeID,
    clock: options.clock,
    waitMs: config.callTimeoutMs * 0.8,
    commandMs: config.callTimeoutMs,
  });

  const isOnRecord = async (run: Pick<ActiveRun, "runId" | "plannedAt">, limits: CallingOptions = query) =>
    (await call(broker, "records.ended", { runs: [plannedRun(run)] }, limits)).ended.length > 0;

  /** Waits until a group has settled the ends that the bus had before: one of them may be the end in question. */
  async function hear(group: string): Promise<void> {
    if (!(await broker.bus.settled(group, "run.*", HEAR_LIMIT_MS))) throw new EndsUnheard();
  }

  /** A process may end after the records service heard of a run's end and before this one did. */
  async function hasEnded(run: ActiveRun) {
    // The records are in this process and the only ones who keep ends: without their answer nothing is known.
    if (!isEndKept) return isOnRecord(run);
    return isOnRecord(run, { timeout: 1000 }).catch(() => false);
  }

  /**
   * Of a run that the books of its task do not hold, since its end was heard of or the task is deleted: the stream
   * tells what was ordered and revoked, the records what has ended.
   */
  async function verdictOffTheBooks(taskId: string, runId: string) {
    const stream = await events.store.readStream(`task-${taskId}`);
    const ordered = fold(task, stream as unknown as readonly TaskEvent[]);
    const run = runOf(ordered, runId);
    await hear("records");
    return run && !(await isOnRecord(run)) ? verdictOn(ordered, runId) : "ended";
  }

  return {
    tasks,

    start() {
      if (config.taskEnable) leadership.start();
    },

    stop: () => leadership.stop(),

    async registerSessions() {
      const epoch = leadership.epoch();
      if (epoch === null || !(await lease.register(epoch))) throw new Fenced();
    },

    async command(name, context) {
      if (!config.taskEnable) throw new TaskDisabled();
      return atLeader(name, context, (ref) => commands[name](context.params, requestOf(context, ref)));
    },

    async verdict({ taskId, runId }) {
      await hear("scheduler");
      const current = await ledger.state(taskId);
      const run = runOf(current, runId);
      if (!run) {
        const hasLeft = isEndKept && current.status !== "none";
        return { verdict: hasLeft ? "ended" : await verdictOffTheBooks(taskId, runId) };
      }
      if (!(await hasEnded(run))) return { verdict: verdictOn(current, runId) };
      // Also while it only begins to be active: what it adopts is asked about then.
      if (leadership.isLeader()) await ledger.observe(endOf(taskId, run));
      return { verdict: "ended" };
    },

    status: () => ({ active: isActive(), leader: leadership.leader() }),
  };
}

interface Assembly {
  readonly active: ActiveScheduler;
  readonly leadership: Leadership;
  readonly lease: LeaseStore;
  readonly commands: TaskCommands;
  readonly ledger: TaskLedger;
}

function assemble({ config, clock, log, broker, events }: SchedulerOptions, tasks: TaskStore): Assembly {
  const { outbox, store, db, sessions } = events;
  const fence = mongoFence(db, log);
  const ledger = createTaskLedger({
    store,
    tasks,
    commands: mongoCommands(db.collection<CommandDocument>("scheduler_commands")),
    fence,
    clock,
    maxBatch: config.claimBatch,
    onMoved: (taskId, state) => loop.moved(taskId, state),
    onFenced: (epoch) => leadership.fenced(epoch),
  });
  const loop = createDueLoop({
    tasks,
    ledger,
    clock,
    log,
    lookAheadMs: config.lookAheadMs,
    aheadMs: config.dispatchAheadMs,
    onLoaded: reconcileRuns(broker, ledger, log),
  });
  const ackWaitMs = Math.max(1000, config.leaseMs / 2);
  const active = activeScheduler({ outbox, ledger, loop, fence, bus: broker.bus, log, ackWaitMs });
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
  const revocation = createRevocation({ broker, clock, log });
  const commands = taskCommands({ ledger, revocation, clock, timezone: config.timezone });
  return { active, leadership, lease, commands, ledger };
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
