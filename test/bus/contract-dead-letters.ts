import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "../../shared/log.ts";
import { eventually } from "../eventually.ts";
import { silentLog } from "../silent-log.ts";
import { type Adapter, type BusUnderTest, busTest, quick } from "./bus-test.ts";
import { Collected } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";

const firstDeadLetter = ({ deadLetters }: Pick<BusUnderTest, "deadLetters">) =>
  eventually(async () => (await deadLetters())[0]);

export function deadLetterContract(adapter: Adapter): void {
  busTest(adapter, "an event that keeps failing goes to the dead letters", async (under) => {
    const { bus } = under;
    const attempts = new Collected<string>();
    const bad = exampleEvent("task.due");
    const good = exampleEvent("task.due");
    await bus.subscribe({
      ...quick,
      pattern: "task.due",
      group: "executor",
      handle({ id }) {
        attempts.add(id);
        if (id === bad.id) throw new TypeError("x is not a function");
      },
    });
    await Promise.all([bus.send(bad), bus.send(good)]);
    const letter = await firstDeadLetter(under);
    assert.equal(attempts.items.filter((id) => id === bad.id).length, quick.maxDeliver);
    assert.equal(attempts.items.filter((id) => id === good.id).length, 1);
    assert.deepEqual(
      { ...letter, at: "" },
      {
        id: `executor/task.due/${bad.id}`,
        group: "executor",
        pattern: "task.due",
        event: JSON.stringify(bad),
        error: { type: "HANDLER_FAILED", message: "x is not a function" },
        deliveries: 3,
        at: "",
      },
    );
    assert.equal((await under.deadLetters()).length, 1);
  });

  busTest(adapter, "an event that violates its contract is not handled", async (under) => {
    const { bus } = under;
    const seen = new Collected<string>();
    await bus.subscribe({ ...quick, pattern: "task.*", group: "executor", handle: ({ id }) => seen.add(id) });
    const due = exampleEvent("task.due");
    const bad = { ...due, data: { ...due.data, attempt: 0 } };
    const good = exampleEvent("task.deleted");
    await bus.send(bad);
    const letter = await firstDeadLetter(under);
    assert.equal(letter.error.type, "CONTRACT_VIOLATION");
    assert.match(letter.error.message, /attempt/);
    assert.deepEqual(JSON.parse(letter.event), bad);
    await bus.send(good);
    assert.deepEqual(await seen.reach(1), [good.id]);
  });

  const errors = new Collected<string>();
  const logger: Log = { ...silentLog, error: (_, message) => errors.add(message) };
  busTest(
    adapter,
    "a dead letter that cannot be stored keeps its event",
    async (under) => {
      const { bus } = under;
      await bus.subscribe({
        ...quick,
        maxDeliver: 1,
        pattern: "task.due",
        group: "executor",
        handle() {
          throw new Error("never");
        },
      });
      await under.refuseDeadLetters();
      const event = exampleEvent("task.due");
      const sent = bus.send(event);
      await errors.when(
        (all) => all.some((message) => message.includes("not stored yet")),
        "a failed attempt to store the dead letter",
      );
      // Longer than the five attempts, 100 ms apart, after which a letter that the store rejects is dropped.
      await delay(1000);
      assert.deepEqual(await under.deadLetters(), []);
      await under.acceptDeadLetters();
      assert.deepEqual(JSON.parse((await firstDeadLetter(under)).event), event);
      await sent;
    },
    { logger },
  );
}
