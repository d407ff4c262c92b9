import type { Collection } from "mongodb";
import { ensureIndexes } from "../../../migrations/mongo/indexes.ts";
import { systemClock as clock } from "../../../shared/clock.ts";
import { exampleDefinition } from "../../../shared/contracts/task-definition.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { type OpenEventStore, openEventStore } from "../../../shared/event-store/open-event-store.ts";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../../test/mongo.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { mongoFence } from "../leadership/mongo-fence.ts";
import { type CommandDocument, mongoCommands } from "../store/mongo-commands.ts";
import { mongoTasks, type TaskStore } from "../store/mongo-tasks.ts";
import { createTaskCommandHandler, type TaskCommandHandler } from "../store/task-command-handler.ts";
import { type TaskDocument, toDocument } from "../store/task-document.ts";
import type { Definition } from "../task/definition.ts";
import type { ActiveRun, DefinedTask } from "../task/task-state.ts";
import { createDueLoop, type DueLoop, type DueLoopOptions } from "./due-loop.ts";

export interface Fired {
  readonly taskId: string;
  /** When the loop asked for it. */
  readonly at: number;
  readonly events: readonly TaskEvent[];
}

interface Options extends Partial<DueLoopOptions> {
  /** Called when a page has been read and before the loop has it. */
  readonly onPage?: (commandHandler: TaskCommandHandler) => Promise<void>;
  /** Whether the outbox takes more events; by default that of the command handler. */
  readonly hasRoom?: () => boolean;
}

interface Planted {
  readonly running?: readonly ActiveRun[];
  readonly count?: number;
}

const EPOCH = 1;
const hourly: Definition = { ...exampleDefinition, expression: "* * 1 * *" };

/** Due loops on one store, and the tasks that stand in it. */
export class DueLoops {
  readonly documents: Collection<TaskDocument>;
  readonly #mongo: TestMongo;
  readonly #events: OpenEventStore;
  readonly #loops: DueLoop[] = [];

  private constructor(mongo: TestMongo, events: OpenEventStore) {
    this.#mongo = mongo;
    this.#events = events;
    this.documents = events.db.collection("scheduler_task_list");
  }

  static async start(): Promise<DueLoops> {
    const mongo = await startTestMongo();
    await ensureIndexes(mongo.db, ["events", "scheduler_task_list"]);
    const config = { mongoUrl: mongo.url, mongoDatabase: "kinit", natsUrl: "" };
    const bus = { send: async () => {} };
    const events = await openEventStore({ config, service: "scheduler", bus, clock, log: silentLog });
    await events.outbox.start();
    await mongoFence(events.db, silentLog).raise(EPOCH, []);
    return new DueLoops(mongo, events);
  }

  async clear(): Promise<void> {
    await Promise.all(this.#loops.splice(0).map((loop) => loop.stop()));
    await this.documents.deleteMany({});
  }

  async close(): Promise<void> {
    await this.#events.close();
    await this.#mongo.close();
  }

  /** A loop on a command handler of its own, with all that it fires and holds. */
  scheduler({ onPage, hasRoom, ...options }: Options = {}) {
    const fired: Fired[] = [];
    const held = new Set<string>();
    const tasks = mongoTasks(this.documents);
    const commandHandler = createTaskCommandHandler({
      store: this.#events.store,
      tasks,
      commands: mongoCommands(this.#events.db.collection<CommandDocument>("scheduler_commands")),
      fence: mongoFence(this.#events.db, silentLog),
      clock,
      maxBatch: 500,
      onMoved: (taskId, state) => loop.moved(taskId, state),
      onFenced: () => {},
    });
    commandHandler.open(EPOCH);
    const dueAfter: TaskStore["dueAfter"] = async (...query) => {
      const page = await tasks.dueAfter(...query);
      await onPage?.(commandHandler);
      return page;
    };
    const loop = createDueLoop({
      tasks: { dueAfter },
      commandHandler: { ...watched(commandHandler, { fired, held }), ...(hasRoom && { hasRoom }) },
      clock,
      log: silentLog,
      lookAheadMs: 1000,
      aheadMs: 0,
      onLoaded: async () => {},
      ...options,
    });
    this.#loops.push(loop);
    const count = (wanted: number) => eventually(() => fired.length >= wanted);
    return { loop, commandHandler, fired, held, count };
  }

  /** Puts tasks into the store that are due at an instant; answers their ids. */
  async plant(nextRunAt: number, { running = [], count = 1 }: Planted = {}): Promise<string[]> {
    const since = nextRunAt - 3_600_000;
    const made = Array.from(
      { length: count },
      (): DefinedTask => ({
        status: "active",
        taskId: objectId(),
        definition: hourly,
        anchorAt: since,
        createdAt: since,
        updatedAt: since,
        lastRunAt: null,
        settledUntil: null,
        nextRunAt,
        running,
      }),
    );
    await this.documents.insertMany(made.map((task) => toDocument(task, 1)));
    return made.map(({ taskId }) => taskId);
  }
}

function watched(
  commandHandler: TaskCommandHandler,
  { fired, held }: { fired: Fired[]; held: Set<string> },
): DueLoopOptions["commandHandler"] {
  return {
    async handle(command) {
      const at = clock.now();
      const handled = await commandHandler.handle(command);
      if (handled.events.length > 0)
        fired.push({ taskId: command.taskId, at, events: handled.events as readonly TaskEvent[] });
      return handled;
    },
    hasRoom: commandHandler.hasRoom,
    remember(taskId, state) {
      held.add(taskId);
      commandHandler.remember(taskId, state);
    },
    forget(taskId) {
      held.delete(taskId);
      commandHandler.forget(taskId);
    },
  };
}
