import type { ServiceBroker, ServiceSchema } from "moleculer";
import type { Bus } from "../../shared/bus/bus.ts";
import { subscribe } from "../../shared/bus/channels.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import type { Config } from "../../shared/config.ts";
import { monitoringOf } from "../../shared/monitoring/monitoring.ts";
import { actionsOf } from "../../shared/service.ts";
import { runEventSink } from "./attempt/run-event-sink.ts";
import type { Handler } from "./handler/define-handler.ts";
import { handlerRegistry } from "./handler/handler-registry.ts";
import { builtInHandlers } from "./handlers/built-in-handlers.ts";
import { type RunExecutor, runExecutor } from "./runs/run-executor.ts";
import { confirmRuns } from "./start/confirm-runs.ts";

export interface ExecutorDeps {
  readonly handlers: readonly Handler[];
  /** The bus that outcomes are sent to; default: the broker's bus. */
  readonly bus?: Pick<Bus, "send">;
  readonly clock: Clock;
  readonly config: Pick<
    Config,
    "executorConcurrency" | "executorMaxInFlight" | "executorAckWaitMs" | "handlerTimeoutMs" | "drainMs"
  >;
}

/** Executes dispatched runs: each `task.due` results in exactly one outcome on the bus, or is requeued. */
export const executorService = ({ handlers, bus, clock, config }: ExecutorDeps): ServiceSchema => {
  const registry = handlerRegistry(handlers);
  let executor: RunExecutor;
  return {
    name: "executor",
    actions: actionsOf("executor", {
      validate({ handler, params }) {
        registry.validate(handler, params);
        return null;
      },
      handlers: () => registry.list(config.handlerTimeoutMs),
      revoke: ({ runIds }) => ({ started: executor.revoke(runIds) }),
      cancel: ({ runId, ...cancellation }) => ({ isHeld: executor.cancel(runId, cancellation) }),
      inFlight: ({ runIds }) => executor.inFlight(runIds),
    }),
    channels: subscribe({
      "task.due": {
        group: "executor",
        maxInFlight: config.executorMaxInFlight,
        ackWaitMs: config.executorAckWaitMs,
        backoffMs: [200, 500, 1000, 2000],
        handler: (due, delivery) => executor.execute(due, delivery),
      },
    }),
    created() {
      const { broker, logger } = this;
      const { metrics } = monitoringOf(broker);
      executor = runExecutor({
        registry,
        clock,
        logger,
        caller: broker,
        executor: broker.nodeID,
        sink: runEventSink({ bus: bus ?? broker.bus, clock, logger }),
        concurrency: config.executorConcurrency,
        defaultTimeoutMs: config.handlerTimeoutMs,
        drainMs: config.drainMs,
        confirm: confirmRuns(broker),
        metrics,
      });
      metrics.watchExecutor(() => executor.level());
    },
    stopped: () => executor.close(),
  };
};

export default ({ config }: ServiceBroker) =>
  executorService({ handlers: builtInHandlers(config), clock: systemClock, config });
