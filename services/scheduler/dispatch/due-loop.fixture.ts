import type { Collection } from "mongodb";
import { ensureIndexes } from "../../../migrations/mongo/indexes.ts";
import { systemClock as clock } from "../../../shared/clock.ts";
import { exampleDefinition } from "../../../shared/contracts/task-definition.ts";
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
import type { TaskFact } from "../task/task-evolution.ts";
import type { DefinedTask, OpenRun } from "../task/task-state.ts";
import { createDueLoop, type DueLoop, type DueLoopOptions } from "./due-loop.ts";

export interface Dispatched {
  readonly taskId: string;
  /** When the loop submitted the command. */
  readonly at: number;
  readonly events: readonly TaskFact[];
}

interface Options extends Partial<DueLoopOptions> {
  /** Called when a page was loaded, before it is returned to the loop. */
  readonly onPage?: (commandHandler: TaskCommandHandler) => Promise<void>;
  /** Whether the outbox has room. Default: that of the commandHandler. */
  readonly hasRoom?: () => boolean;
}

interface StoredTasks {
  readonly openRuns?: readonly OpenRun[];
  readonly count?: number;
}

const EPOCH = 1;
const hourly: Definition = { ...exampleDefinition, expression: "* * 1 * *" };

/** Due loops on one store, and its tasks. */
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

  /** A loop with a command handler of its own, what it dispatches, and the tasks that it keeps in memory. */
  scheduler({ onPage, hasRoom, ...options }: Options = {}) {
    const dispatched: Dispatched[] = [];
    const inMemory = new Set<string>();
    const tasks = mongoTasks(this.documents);
    const commandHandler = createTaskCommandHandler({
      store: this.#events.store,
      tasks,
      commands: mongoCommands(this.#events.db.collection<CommandDocument>("scheduler_commands")),
      fence: mongoFence(this.#events.db, silentLog),
      clock,
      maxBatch: 500,
      onMoved: (taskId, state) => loop.stateChanged(taskId, state),
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
      commandHandler: { ...watched(commandHandler, { dispatched, inMemory }), ...(hasRoom && { hasRoom }) },
      clock,
      log: silentLog,
      lookAheadMs: 1000,
      aheadMs: 0,
      onLoaded: async () => {},
      ...options,
    });
    this.#loops.push(loop);
    const count = (wanted: number) => eventually(() => dispatched.length >= wanted);
    return { loop, commandHandler, dispatched, inMemory, count };
  }

  /** Stores tasks that are due at an instant. Returns their ids. */
  async store(nextRunAt: number, { openRuns = [], count = 1 }: StoredTasks = {}): Promise<string[]> {
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
        accountedUntil: null,
        nextRunAt,
        openRuns,
      }),
    );
    await this.documents.insertMany(made.map((task) => toDocument(task, 1)));
    return made.map(({ taskId }) => taskId);
  }
}

function watched(
  commandHandler: TaskCommandHandler,
  { dispatched, inMemory }: { dispatched: Dispatched[]; inMemory: Set<string> },
): DueLoopOptions["commandHandler"] {
  return {
    async handle(command) {
      const at = clock.now();
      const handled = await commandHandler.handle(command);
      if (handled.events.length > 0) dispatched.push({ taskId: command.taskId, at, events: handled.events });
      return handled;
    },
    hasRoom: commandHandler.hasRoom,
    keep(taskId, state) {
      inMemory.add(taskId);
      commandHandler.keep(taskId, state);
    },
    release(taskId) {
      inMemory.delete(taskId);
      commandHandler.release(taskId);
    },
  };
}
