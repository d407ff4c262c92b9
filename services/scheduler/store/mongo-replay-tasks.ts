import type { Collection } from "mongodb";
import { isOf } from "../../../shared/contracts/catalogue.ts";
import { isRunEnded } from "../../../shared/contracts/run-events.ts";
import { type EventDocument, fromEventDocument } from "../../../shared/event-store/event-document.ts";
import {
  eventsOf,
  inChunks,
  type Lagging,
  type ReadModel,
  type Replayed,
} from "../../../shared/event-store/replay.ts";
import { task } from "../task/task.ts";
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
      const ended = await endedRuns(events, states);
      yield streams.map(({ id, state, version }): Replayed => {
        if (!isDefined(state)) return { id, document: null };
        const documentWithout = (runs: EndedRuns) => toDocument(withoutEnded(state, runs), version);
        return {
          id,
          document: documentWithout(ended),
          lagging: (stored) => stillListed(ended, { documentWithout, stored: stored as TaskDocument }),
        };
      });
    }
  },
};

/** The event that ended a run, by the id of the run. */
type EndedRuns = ReadonlyMap<string, EventDocument>;

interface StoredTask {
  readonly documentWithout: (runs: EndedRuns) => TaskDocument;
  readonly stored: TaskDocument;
}

/** The end of a run is stored with its record; the scheduler removes the run from the task when it receives the event. */
function stillListed(ended: EndedRuns, { documentWithout, stored }: StoredTask): Lagging {
  const listed = stored.running.map(({ run_id }) => run_id);
  const removed = new Map([...ended].filter(([runId]) => !listed.includes(runId)));
  const awaited = listed.flatMap((runId) => ended.get(runId) ?? []);
  return {
    document: documentWithout(removed),
    awaits: awaited.map(({ _id: id, writer }) => ({ id, writer })),
  };
}

interface FoldedStream {
  readonly id: string;
  readonly state: Task;
  /** The version of its newest event: earlier ones may have been purged. */
  readonly version: number;
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
    const { state } = current ?? { state: task.initialState };
    const next = isOf("task.*", event) ? task.evolve(state, event) : state;
    current = { id, state: next, version: event.version };
  }
  if (current) yield current;
}

/** Those of the tasks' open runs that have ended. */
async function endedRuns(events: Collection<EventDocument>, states: readonly Task[]): Promise<EndedRuns> {
  const runIds = states.flatMap((state) =>
    isDefined(state) ? state.openRuns.map(({ runId }) => runId) : [],
  );
  const found = events.find({ stream: { $in: runIds.map((id) => `run-${id}`) } });
  const ended = new Map<string, EventDocument>();
  for await (const document of found) {
    const event = fromEventDocument(document);
    if (isRunEnded(event)) ended.set(event.data.runId, document);
  }
  return ended;
}

function withoutEnded(state: DefinedTask, ended: EndedRuns): DefinedTask {
  return state.openRuns
    .filter(({ runId }) => ended.has(runId))
    .reduce(
      (current, { runId }) => task.evolve(current, { type: "runRemoved", runId }) as DefinedTask,
      state,
    );
}
