import assert from "node:assert/strict";
import { eventually } from "../eventually.ts";
import { type Adapter, busTest, quick } from "./bus-test.ts";
import { Collected, gate } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";

const due = { ...quick, ackWaitMs: 30_000, maxInFlight: 2, pattern: "task.due", group: "executor" } as const;

export function backlogContract(adapter: Adapter): void {
  busTest(adapter, "the backlog of a group is what its members have not handled", async ({ bus }) => {
    const held = gate();
    const received = new Collected<string>();
    await bus.subscribe({
      ...due,
      async handle({ id }) {
        received.add(id);
        await held.opened;
      },
    });
    const backlog = async () => {
      const all = await bus.backlogs();
      return all.find(({ group, pattern }) => group === due.group && pattern === due.pattern);
    };
    const empty = { group: "executor", pattern: "task.due", waiting: 0, inFlight: 0, oldestMs: 0 };
    assert.deepEqual(await backlog(), empty);

    const sent = Array.from({ length: 5 }, () => bus.send(exampleEvent("task.due")));
    await received.reach(2);
    const full = await eventually(async () => {
      const found = await backlog();
      return found?.waiting === 3 && found.oldestMs > 0 ? found : undefined;
    });
    assert.equal(full.inFlight, 2);

    held.open();
    await Promise.all(sent);
    await received.reach(5);
    const handled = await eventually(async () => {
      const found = await backlog();
      return found?.inFlight === 0 ? found : undefined;
    });
    assert.deepEqual(handled, empty);
  });
}
