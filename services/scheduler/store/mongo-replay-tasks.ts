import type { Collection } from "mongodb";
import { isRunEnded, type RunEnded } from "../../../shared/contracts/run-events.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import { eventsOf, inChunks, type ReadModel, type Replayed } from "../../../shared/event-store/replay.ts";
import { task } from "../task/task.ts";
import { isDefined, type Task } from "../task/task-state.ts";
import { toDocument } from "./task-document.ts";

const CHUNK = 500;

/** The tasks as their streams, and the ends of their runs, make them. */
export const taskReadModel: ReadModel = {
  collection: "scheduler_task_list",
  ignored: [],
  async *replay(events) {
    for await (const streams of inChunks(foldedStreams(events), CHUNK)) {
      const states = streams.map(({ state }) => state);
      const ends = await endsOf(events, states);
      yield streams.map(({ id, state, version }): Replayed => {
        const current = isDefined(state) ? settled(state, ends) : state;
        return { id, document: isDefined(current) ? toDocument(current, version) : null };
      });
    }
  },
};

interface FoldedStream {
  readonly id: string;
  readonly state: Task;
  /** That of its newest event: earlier ones may be forgotten. */
  readonly version: number;
}

async function* foldedStreams(events: Collection<EventDocument>): AsyncIterable<FoldedStream> {
  let current: FoldedStream | undefined;
  for await (const event of eventsOf(events, "task")) {
    const id = event.stream.slice("task-".length);
    if (current && current.id !== id) {
      yield current;
      current = undefined;
    }
    const { state } = current ?? { state: task.initialState };
    current = { id, state: task.evolve(state, event as unknown as TaskEvent), version: event.version };
  }
  if (current) yield current;
}

async function endsOf(
  events: Collection<EventDocument>,
  states: readonly Task[],
): Promise<Map<string, RunEnded>> {
  const runIds = states.flatMap((state) => (isDefined(state) ? state.running.map(({ runId }) => runId) : []));
  const found = events.find({ stream: { $in: runIds.map((id) => `run-${id}`) } });
  const ends = new Map<string, RunEnded>();
  for await (const event of found)
    if (isRunEnded(event)) ends.set((event as RunEnded).data.runId, event as RunEnded);
  return ends;
}

function settled(
  state: Task & { running: readonly { runId: string }[] },
  ends: ReadonlyMap<string, RunEnded>,
): Task {
  return state.running.reduce<Task>((current, { runId }) => {
    const end = ends.get(runId);
    return end ? task.evolve(current, end) : current;
  }, state);
}
