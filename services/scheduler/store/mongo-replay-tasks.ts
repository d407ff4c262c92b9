import type { Collection } from "mongodb";
import { isOf } from "../../../shared/contracts/catalogue.ts";
import { isRunEnded, retryAtOf } from "../../../shared/contracts/run-events.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { type EventDocument, fromEventDocument } from "../../../shared/event-store/event-document.ts";
import {
  eventsOf,
  inChunks,
  type Lagging,
  type ReadModel,
  type Replayed,
} from "../../../shared/event-store/replay.ts";
import { task } from "../task/task.ts";
import type { TaskFact } from "../task/task-evolution.ts";
import { type DefinedTask, isDefined, type Task } from "../task/task-state.ts";
import { type TaskDocument, toDocument } from "./task-document.ts";

const CHUNK = 500;

/** The tasks as their streams and the ends of their runs define them. */
export const taskReadModel: ReadModel = {
  collection: "scheduler_task_list",
  ignored: [],
  async *replay(events) {
    for await (const streams of inChunks(foldedStreams(events), CHUNK)) {
      const states = streams.map(({ state }) => state);
      const facts = await runFacts(events, states);
      yield streams.map(({ id, state, version, dispatches }): Replayed => {
        if (!isDefined(state)) return { id, document: null };
        const documentWith = (known: readonly TaskFact[]) => toDocument(withFacts(state, known), version);
        const own = facts.filter(({ taskId }) => taskId === id);
        const open = state.openRuns.map(({ runId }) => runId);
        return {
          id,
          document: documentWith(own.map(({ fact }) => fact)),
          lagging: (stored) =>
            notReceived(own, { documentWith, open, dispatches, stored: stored as TaskDocument }),
        };
      });
    }
  },
};

/** The end of an open run, or of its latest attempt, by the event on the run's stream. */
interface RunFact {
  readonly taskId: string;
  readonly event: EventDocument;
  readonly fact: Exclude<TaskFact, TaskEvent>;
}

interface StoredTask {
  readonly documentWith: (facts: readonly TaskFact[]) => TaskDocument;
  /** Ids of the runs that are open by the events on the task's stream. */
  readonly open: readonly string[];
  readonly dispatches: ReadonlyMap<string, string>;
  readonly stored: TaskDocument;
}

/**
 * The end of a run is stored with its record; the scheduler changes the task when it receives the event. Either of them
 * may be first: a run that was dispatched a moment ago, and that the task has removed, ends on its record soon.
 */
function notReceived(
  facts: readonly RunFact[],
  { documentWith, open, dispatches, stored }: StoredTask,
): Lagging {
  const isReceived = ({ fact }: RunFact): boolean => {
    const listed = stored.running.find(({ run_id }) => run_id === fact.runId);
    return fact.type === "runRemoved" ? !listed : listed?.retry_datetime !== undefined;
  };
  const awaited = facts.filter((fact) => !isReceived(fact));
  const listed = new Set([
    ...stored.running.map(({ run_id }) => run_id),
    ...facts.map(({ fact }) => fact.runId),
  ]);
  const unrecorded = open.filter((runId) => !listed.has(runId));
  return {
    document: documentWith([
      ...facts.filter(isReceived).map(({ fact }) => fact),
      ...unrecorded.map((runId) => ({ type: "runRemoved", runId }) as const),
    ]),
    awaits: [
      ...awaited.map(({ event: { _id: id, writer } }) => ({ id, writer })),
      ...unrecorded.map((runId) => ({ id: dispatches.get(runId) ?? "" })),
    ],
  };
}

interface FoldedStream {
  readonly id: string;
  readonly state: Task;
  /** The version of its newest event: earlier ones may have been purged. */
  readonly version: number;
  /** The ids of the `task.due` events, by run. */
  readonly dispatches: Map<string, string>;
}

async function* foldedStreams(events: Collection<EventDocument>): AsyncIterable<FoldedStream> {
  let current: FoldedStream | undefined;
  for await (const document of eventsOf(events, "task")) {
    const event = fromEventDocument(document);
    const id = event.subject.slice("task-".length);
    if (current && current.id !== id) {
      yield current;
      current = undefined;
    }
    const { state, dispatches } = current ?? { state: task.initialState, dispatches: new Map() };
    const next = isOf("task.*", event) ? task.evolve(state, event) : state;
    if (isOf("task.due", event)) dispatches.set(event.data.runId, event.id);
    current = { id, state: next, version: event.version, dispatches };
  }
  if (current) yield current;
}

/** The ends of the tasks' open runs, and of their latest attempts. */
async function runFacts(events: Collection<EventDocument>, states: readonly Task[]): Promise<RunFact[]> {
  const runs = states.flatMap((state) => (isDefined(state) ? state.openRuns : []));
  const attempts = new Map(runs.map(({ runId, attempt }) => [runId, attempt]));
  const found = events.find({ stream: { $in: runs.map(({ runId }) => `run-${runId}`) } });
  const facts: RunFact[] = [];
  for await (const document of found) {
    const event = fromEventDocument(document);
    if (!event.type.startsWith("run.")) continue;
    const { taskId, runId, attempt } = event.data as { taskId: string; runId: string; attempt: number };
    const retryAt = retryAtOf(event);
    if (isRunEnded(event)) facts.push({ taskId, event: document, fact: { type: "runRemoved", runId } });
    else if (retryAt !== null && attempts.get(runId) === attempt) {
      const fact = { type: "runWaits", runId, attempt, retryAt: Date.parse(retryAt) } as const;
      facts.push({ taskId, event: document, fact });
    }
  }
  return facts;
}

function withFacts(state: DefinedTask, facts: readonly TaskFact[]): DefinedTask {
  return facts.reduce((current, fact) => task.evolve(current, fact) as DefinedTask, state);
}
