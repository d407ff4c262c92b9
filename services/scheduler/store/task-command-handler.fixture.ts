import type { MongoClient } from "mongodb";
import { ensureIndexes } from "../../../migrations/mongo/indexes.ts";
import { type Clock, systemClock } from "../../../shared/clock.ts";
import { exampleDefinition } from "../../../shared/contracts/task-definition.ts";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { mongoEventStore } from "../../../shared/event-store/mongo-event-store.ts";
import { mongoOutboxStore } from "../../../shared/event-store/mongo-outbox-store.ts";
import { connectMongo } from "../../../shared/event-store/open-event-store.ts";
import { createOutbox, type Outbox, type OutboxOptions } from "../../../shared/event-store/outbox.ts";
import { createSessionPool } from "../../../shared/event-store/session-pool.ts";
import { objectId } from "../../../shared/ids.ts";
import { LIMIT_MS } from "../../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../../test/mongo.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { startTcpProxy, type TcpProxy } from "../../../test/tcp-proxy.ts";
import { mongoFence } from "../leadership/mongo-fence.ts";
import type { TaskCommand } from "../task/task.ts";
import { type CommandDocument, mongoCommands } from "./mongo-commands.ts";
import { mongoTasks } from "./mongo-tasks.ts";
import { createTaskCommandHandler, type TaskCommandHandler } from "./task-command-handler.ts";
import type { TaskDocument } from "./task-document.ts";

/** The instant at which the fixtures' tasks are created. */
export const CREATED_AT = Date.parse("2026-01-05T12:00:00.000Z");

export interface HandlerOptions extends Partial<OutboxOptions> {
  /** The epoch of the scheduler; its fence is raised. */
  readonly epoch?: number;
  readonly clock?: Clock;
  /** How long a command may wait for the store: by default longer than a busy machine takes. */
  readonly timeoutMs?: number;
}

/** One scheduler's command handler, and a record of what it did. */
export interface ObservedHandler {
  readonly commandHandler: TaskCommandHandler;
  readonly store: EventStore;
  readonly seen: { transactions: number; moved: string[]; fenced: number[] };
  /** Ids of the sessions of its transactions. */
  readonly sessions: () => readonly string[];
}

/** The command handlers of several schedulers on one store, which they reach through a proxy. */
export class CommandHandlers {
  readonly mongo: TestMongo;
  readonly proxy: TcpProxy;
  readonly client: MongoClient;
  readonly #outboxes: Outbox[] = [];
  readonly #commandHandlers: TaskCommandHandler[] = [];

  private constructor(mongo: TestMongo, proxy: TcpProxy, client: MongoClient) {
    this.mongo = mongo;
    this.proxy = proxy;
    this.client = client;
  }

  static async start(): Promise<CommandHandlers> {
    const mongo = await startTestMongo();
    const proxy = await startTcpProxy(mongo.port);
    // Straight to the proxy: the server's own address would lead past it.
    const url = `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`;
    const client = await connectMongo({ mongoUrl: url }, "test");
    await ensureIndexes(mongo.db, ["events", "scheduler_task_list", "scheduler_commands"]);
    return new CommandHandlers(mongo, proxy, client);
  }

  async close(): Promise<void> {
    for (const commandHandler of this.#commandHandlers) commandHandler.close();
    for (const outbox of this.#outboxes) await outbox.stop();
    await this.client.close();
    await this.proxy.close();
    await this.mongo.close();
  }

  async open(given: HandlerOptions = {}): Promise<ObservedHandler> {
    const { epoch = 1, clock = systemClock, timeoutMs = LIMIT_MS, ...options } = given;
    const db = this.client.db("kinit");
    const events = db.collection<EventDocument>("events");
    const sessions = createSessionPool(this.client);
    const outboxStore = mongoOutboxStore({
      outboxes: db.collection("outboxes"),
      events,
      service: "scheduler",
      writer: objectId(),
      clock,
      sessions,
    });
    const send = async () => {};
    const outbox = createOutbox({ store: outboxStore, log: silentLog, clock, send, ...options });
    await outbox.start();
    this.#outboxes.push(outbox);
    const store = mongoEventStore({ client: this.client, events, outbox, clock, timeoutMs, sessions });
    const seen: ObservedHandler["seen"] = { transactions: 0, moved: [], fenced: [] };
    const counting: EventStore = {
      ...store,
      transact(work) {
        seen.transactions += 1;
        return store.transact(work);
      },
    };
    const fence = mongoFence(db, silentLog);
    const commandHandler = createTaskCommandHandler({
      store: counting,
      tasks: mongoTasks(db.collection<TaskDocument>("scheduler_task_list")),
      commands: mongoCommands(db.collection<CommandDocument>("scheduler_commands")),
      fence,
      clock,
      maxBatch: 500,
      onMoved: (taskId) => void seen.moved.push(taskId),
      onFenced: (shutOut) => void seen.fenced.push(shutOut),
    });
    this.#commandHandlers.push(commandHandler);
    await fence.raise(epoch, []);
    commandHandler.open(epoch);
    return { commandHandler, store, seen, sessions: sessions.ids };
  }

  /** The events on a task's stream. */
  stored(taskId: string) {
    return this.mongo.db
      .collection("events")
      .find({ stream: `task-${taskId}` })
      .toArray();
  }
}

export const create = (taskId: string, more: Partial<TaskCommand> = {}) =>
  ({
    type: "create",
    taskId,
    definition: exampleDefinition,
    isActive: true,
    now: CREATED_AT,
    ...more,
  }) as TaskCommand;
export const pause = (taskId: string): TaskCommand => ({ type: "pause", taskId, now: CREATED_AT + 1000 });
export const resume = (taskId: string): TaskCommand => ({ type: "resume", taskId, now: CREATED_AT + 2000 });
export const remove = (taskId: string): TaskCommand => ({ type: "delete", taskId, now: CREATED_AT + 3000 });
export const run = (taskId: string, at: number): TaskCommand => ({
  type: "runNow",
  taskId,
  runId: objectId(),
  now: CREATED_AT + at,
});
