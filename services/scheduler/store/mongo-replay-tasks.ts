import type { Collection } from "mongodb";
import { isOf } from "../../../shared/contracts/catalogue.ts";
import { isRunEnded } from "../../../shared/contracts/run-events.ts";
import { type EventDocument, fromEventDocument } from "../../../shared/event-store/event-document.ts";
import { eventsOf, inChunks, type ReadModel, type Replayed } from "../../../shared/event-store/replay.ts";
import { task } from "../task/task.ts";
import { type DefinedTask, isDefined, type Task } from "../task/task-state.ts";
import { toDocument } from "./task-document.ts";

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
        const current = isDefined(state) ? withoutEnded(state, ended) : state;
        return { id, document: isDefined(current) ? toDocument(current, version) : null };
      });
    }
  },
};

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
async function endedRuns(
  events: Collection<EventDocument>,
  states: readonly Task[],
): Promise<ReadonlySet<string>> {
  const runIds = states.flatMap((state) =>
    isDefined(state) ? state.openRuns.map(({ runId }) => runId) : [],
  );
  const found = events.find({ stream: { $in: runIds.map((id) => `run-${id}`) } });
  const ended = new Set<string>();
  for await (const document of found) {
    const event = fromEventDocument(document);
    if (isRunEnded(event)) ended.add(event.data.runId);
  }
  return ended;
}

function withoutEnded(state: DefinedTask, ended: ReadonlySet<string>): Task {
  const closed = state.openRuns.filter(({ runId }) => ended.has(runId));
  return closed.reduce<Task>(
    (current, { runId }) => task.evolve(current, { type: "runRemoved", runId }),
    state,
  );
}
