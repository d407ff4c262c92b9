import type { Collection } from "mongodb";
import { isRunEnded, type RunEnded } from "../../shared/contracts/run-events.ts";
import type { TaskEvent } from "../../shared/contracts/task-events.ts";
import { fold } from "../../shared/event-store/decider.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { type ReadModel, type Replayed, streamsOf } from "../../shared/event-store/replay.ts";
import { isDefined, type Task, task } from "./task.ts";
import { toDocument } from "./task-document.ts";

const CHUNK = 500;

/** The tasks as their streams, and the ends of their runs, make them. */
export const taskReadModel: ReadModel = {
  collection: "scheduler_task_list",
  ignored: [],
  async *replay(events) {
    for await (const streams of streamsOf(events, "task", CHUNK)) {
      const folded = streams.map((stream) => ({
        id: (stream[0]?.stream ?? "").slice("task-".length),
        state: fold(task, stream as unknown as TaskEvent[]),
        version: stream.length,
      }));
      const ends = await endsOf(
        events,
        folded.map(({ state }) => state),
      );
      yield folded.map(({ id, state, version }): Replayed => {
        const current = isDefined(state) ? settled(state, ends) : state;
        return { id, document: isDefined(current) ? toDocument(current, version) : null };
      });
    }
  },
};

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
