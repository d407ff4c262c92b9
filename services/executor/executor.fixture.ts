import {
  type BrokerOptions,
  type CallingOptions,
  type Middleware,
  ServiceBroker,
  type ServiceSchema,
} from "moleculer";
import type { Bus, SendOptions } from "../../shared/bus/bus.ts";
import { channels } from "../../shared/bus/channels.ts";
import { localBus } from "../../shared/bus/local/local-bus.ts";
import { type Clock, systemClock } from "../../shared/clock.ts";
import type { ActionName, ActionParams, ActionResult } from "../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import { validatorOptions } from "../../shared/contracts/contract.ts";
import { isRunEnded, type RunEvent } from "../../shared/contracts/run-events.ts";
import { taskEvents } from "../../shared/contracts/task-events.ts";
import { eventId, objectId } from "../../shared/ids.ts";
import { call, someActionsOf } from "../../shared/service.ts";
import { LIMIT_MS } from "../../test/eventually.ts";
import { silentLog } from "../../test/silent-log.ts";
import { type ExecutorDeps, executorService } from "./executor.service.ts";
import type { Handler } from "./handler/define-handler.ts";

export interface FixtureOptions {
  readonly handlers: readonly Handler[];
  readonly config?: Partial<ExecutorDeps["config"]>;
  /** Further services; without one named `scheduler`, every run is confirmed as wanted. */
  readonly services?: readonly ServiceSchema[];
  /** Default: the system clock. */
  readonly clock?: Clock;
  /** Wraps the bus that the executor sends to. */
  readonly wrapBus?: (bus: Bus) => Pick<Bus, "send">;
}

type DueData = DomainEnvelope<"task.due">["data"];
export type RunEnvelope = Extract<DomainEnvelope, { type: RunEvent["type"] }>;

/** An executor on a real broker and the local bus, and a listener on `run.*`. */
export class ExecutorFixture {
  readonly events: RunEnvelope[] = [];
  readonly logged: { level: string; fields: Readonly<Record<string, unknown>>; text: string }[] = [];
  readonly dead: { error: { type: string; message: string } }[] = [];
  private readonly bus: Bus;
  private readonly broker: ServiceBroker;
  private readonly waiting = new Set<() => void>();

  constructor(options: FixtureOptions) {
    const { handlers, config, services = [], wrapBus = (bus) => bus, clock = systemClock } = options;
    const settings: ExecutorDeps["config"] = {
      executorConcurrency: 100,
      executorMaxInFlight: 5000,
      executorAckWaitMs: 30_000,
      handlerTimeoutMs: 60_000,
      drainMs: 5000,
      ...config,
    };
    this.bus = localBus({
      deadLetter: async (letter) => {
        this.dead.push(letter);
      },
      logger: silentLog,
      drainMs: settings.drainMs,
    });
    this.broker = new ServiceBroker({
      nodeID: "executor-under-test",
      logger: false,
      validator: { type: "Fastest", options: validatorOptions } as BrokerOptions["validator"],
      middlewares: [channels(this.bus), this.logEntries()],
    });
    for (const schema of services) this.broker.createService(schema);
    if (!services.some(({ name }) => name === "scheduler")) this.broker.createService(confirmingScheduler);
    const bus = wrapBus(this.bus);
    this.broker.createService(executorService({ handlers, bus, clock, config: settings }));
  }

  async start(): Promise<this> {
    await this.broker.start();
    await this.bus.subscribe({
      pattern: "run.*",
      group: "records",
      maxInFlight: 10_000,
      ackWaitMs: 30_000,
      maxDeliver: 1,
      backoffMs: [10],
      handle: (event) => {
        this.events.push(event as RunEnvelope);
        this.changed();
      },
    });
    return this;
  }

  stop(): Promise<void> {
    return this.broker.stop() as Promise<void>;
  }

  call<N extends ActionName>(
    name: N,
    params: ActionParams<N>,
    options?: CallingOptions,
  ): Promise<ActionResult<N>> {
    return call(this.broker, name, params, options);
  }

  /** Sends a `task.due`; `sent` resolves when its delivery is handled. */
  send(data: Partial<DueData>, options?: SendOptions) {
    const due = dueEvent(data);
    return { due, runId: due.data.runId, sent: this.bus.send(due, options) };
  }

  /** Sends a `task.due` and waits for the event that ends its run. */
  async run(data: Partial<DueData>, options?: SendOptions): Promise<RunEnvelope> {
    return this.ended(this.send(data, options).runId);
  }

  ended(runId: string): Promise<RunEnvelope> {
    return this.until(
      () => this.of(runId).find(isRunEnded) as RunEnvelope | undefined,
      `the end of run ${runId}`,
    );
  }

  of(runId: string): RunEnvelope[] {
    return this.events.filter(({ data }) => data.runId === runId);
  }

  /** Resolves with the result of `find` once it is defined; it is called after each event and log line. */
  until<T>(find: () => T | undefined, what: string, limitMs = LIMIT_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(check);
        reject(new Error(`waited ${limitMs} ms for ${what}`));
      }, limitMs);
      const check = (): void => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        this.waiting.delete(check);
        resolve(found);
      };
      this.waiting.add(check);
      check();
    });
  }

  /** Re-evaluates what tests wait for. */
  changed(): void {
    for (const check of [...this.waiting]) check();
  }

  private logEntries(): Middleware {
    return {
      name: "LogEntries",
      newLogEntry: (level: string, args: unknown[]) => {
        const [first, ...rest] = args;
        const isWithFields = typeof first === "object" && first !== null;
        const fields = isWithFields ? (first as Record<string, unknown>) : {};
        this.logged.push({ level, fields, text: (isWithFields ? rest : args).map(String).join(" ") });
        this.changed();
      },
    } as Middleware;
  }
}

const confirmingScheduler = {
  name: "scheduler",
  actions: someActionsOf("scheduler", {
    confirmRuns: ({ runs }) => ({ verdicts: runs.map(() => "wanted") }),
  }),
};

/** Returns a `task.due`; its planned time is now by default. */
export function dueEvent(data: Partial<DueData>): DomainEnvelope<"task.due"> {
  const now = new Date().toISOString();
  const taskId = data.taskId ?? objectId();
  return {
    specversion: "1.0",
    id: eventId(),
    source: "scheduler",
    type: "task.due",
    subject: `task-${taskId}`,
    time: now,
    dataschema: "task.due/1",
    data: {
      ...taskEvents.contracts["task.due"].example,
      params: {},
      runId: objectId(),
      plannedAt: now,
      at: now,
      nextRunAt: null,
      ...data,
      taskId,
    },
  };
}
