import type { ServiceBroker, ServiceSchema } from "moleculer";
import { ensureIndexes } from "../../migrations/mongo/indexes.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import { monitoringOf } from "../../shared/monitoring/monitoring.ts";
import { actionsOf } from "../../shared/service.ts";
import { FENCE_SLOTS } from "./leadership/mongo-fence.ts";
import { singleVerdict } from "./runs/single-verdict.ts";
import { createScheduler, type Scheduler } from "./scheduler.ts";

export interface SchedulerDeps {
  readonly config: Config;
  readonly clock: Clock;
}

/** Dispatches what is due. Any number of nodes may run it: one is active, the standbys forward calls to it. */
export const schedulerService = ({ config, clock }: SchedulerDeps): ServiceSchema => {
  let events: OpenEventStore;
  let scheduler: Scheduler;
  return {
    name: "scheduler",
    actions: actionsOf("scheduler", {
      create: (_, context) => scheduler.command("scheduler.create", context),
      change: (_, context) => scheduler.command("scheduler.change", context),
      pause: (_, context) => scheduler.command("scheduler.pause", context),
      resume: (_, context) => scheduler.command("scheduler.resume", context),
      delete: (_, context) => scheduler.command("scheduler.delete", context),
      runNow: (_, context) => scheduler.command("scheduler.runNow", context),
      cancel: (_, context) => scheduler.command("scheduler.cancel", context),
      get: ({ taskId }) => scheduler.tasks.view(taskId),
      list: (query) => scheduler.tasks.list(query),
      rows: (query) => scheduler.tasks.rows(query),
      confirm: async (run, { nodeID }) => ({
        verdict: await singleVerdict(scheduler.verdicts, run, nodeID ?? ""),
      }),
      confirmRuns: ({ runs }, { nodeID, options }) =>
        scheduler.verdicts(runs, nodeID ?? "", options.timeout ?? undefined),
      status: () => scheduler.status(),
    }),
    events: {
      // Now every consumer of this process has subscribed, so none of them misses an event.
      "$broker.started": () => scheduler.start(),
    },
    async started() {
      const { broker, logger: log } = this;
      events = await openEventStore({
        config,
        service: "scheduler",
        bus: broker.bus,
        clock,
        log,
        monitoring: monitoringOf(broker),
        sessions: { max: FENCE_SLOTS, register: () => scheduler.registerSessions() },
      });
      await ensureIndexes(events.db, ["events", "scheduler_task_list", "scheduler_commands"]);
      if (config.taskEnable) {
        await events.outbox.start();
        events.outbox.adoptEnded();
      }
      scheduler = createScheduler({ config, clock, log, broker, events });
      monitoringOf(broker).metrics.watchLeader(() => {
        const { active, skipping } = scheduler.status();
        return { isLeader: active, stuckTasks: skipping.length };
      });
    },
    async stopped() {
      await scheduler?.stop();
      await events?.close();
    },
  };
};

export default ({ config }: ServiceBroker) => schedulerService({ config, clock: systemClock });
