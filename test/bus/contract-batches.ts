import assert from "node:assert/strict";
import { AppError } from "../../shared/errors.ts";
import { eventually } from "../eventually.ts";
import { type Adapter, busTest, quick } from "./bus-test.ts";
import { Collected, gate } from "./collected.ts";
import { exampleEvent } from "./example-event.ts";

const batch = { maxSize: 8, lingerMs: 50 };
const records = { ...quick, maxInFlight: 32, pattern: "run.*", group: "records", batch } as const;

export function batchContract(adapter: Adapter): void {
  busTest(
    adapter,
    "a batch contains the events that arrive within its linger time, up to its size",
    async ({ bus }) => {
      const sizes = new Collected<number>();
      await bus.subscribe({
        ...records,
        handleBatch(events, deliveries) {
          assert.equal(events.length, deliveries.length);
          sizes.add(events.length);
        },
      });
      await Promise.all(Array.from({ length: 20 }, () => bus.send(exampleEvent("run.started"))));
      await sizes.when((all) => all.reduce((sum, size) => sum + size, 0) === 20, "20 events in batches");
      assert.deepEqual(sizes.items, [8, 8, 4]);
    },
  );

  busTest(adapter, "a batch that fails with a retryable error is retried whole", async ({ bus }) => {
    const batches = new Collected<{ ids: string[]; count: number | undefined; at: number }>();
    await bus.subscribe({
      ...records,
      handleBatch(events, [delivery]) {
        batches.add({ ids: events.map(({ id }) => id), count: delivery?.count, at: performance.now() });
        if (batches.items.length < 3) throw new AppError("conflict", { type: "STREAM_CONFLICT" });
      },
    });
    const events = Array.from({ length: 8 }, () => exampleEvent("run.started"));
    await Promise.all(events.map((event) => bus.send(event)));
    await batches.reach(3);
    const ids = events.map(({ id }) => id);
    assert.deepEqual(
      batches.items.map((tried) => tried.ids),
      [ids, ids, ids],
    );
    assert.deepEqual(
      batches.items.map(({ count }) => count),
      [1, 2, 3],
    );
    const [first, second] = batches.items;
    assert.ok(first && second && second.at - first.at >= 49);
  });

  busTest(
    adapter,
    "a failing event does not affect the other events of its batch",
    async ({ bus, deadLetters }) => {
      const handled = new Collected<string>();
      const failing = exampleEvent("run.failed");
      let attempts = 0;
      await bus.subscribe({
        ...records,
        handleBatch(events) {
          if (events.some(({ id }) => id === failing.id)) {
            attempts += 1;
            throw new AppError("cannot be applied", { type: "CONTRACT_VIOLATION" });
          }
          for (const { id } of events) handled.add(id);
        },
      });
      const others = Array.from({ length: 7 }, () => exampleEvent("run.started"));
      await Promise.all([...others.slice(0, 4), failing, ...others.slice(4)].map((event) => bus.send(event)));
      await handled.reach(7);
      const letter = await eventually(async () => (await deadLetters())[0]);
      assert.deepEqual(handled.items.toSorted(), others.map(({ id }) => id).toSorted());
      assert.deepEqual(letter.error, { type: "CONTRACT_VIOLATION", message: "cannot be applied" });
      assert.deepEqual(JSON.parse(letter.event), failing);
      // Batches of 8, 4, 2 and 1, then the two retries that maxDeliver leaves.
      assert.equal(attempts, 6);
    },
  );

  busTest(
    adapter,
    "by default, batches of one subscription are handled one after another",
    async ({ bus }) => {
      const steps = new Collected<string>();
      const first = gate();
      await bus.subscribe({
        ...records,
        batch: { maxSize: 2, lingerMs: 0 },
        async handleBatch() {
          steps.add("begun");
          if (steps.items.length === 1) await first.opened;
          steps.add("ended");
        },
      });
      const sent = Array.from({ length: 4 }, () => bus.send(exampleEvent("run.started")));
      await steps.reach(1);
      await new Promise((resolve) => setImmediate(resolve));
      first.open();
      await Promise.all(sent);
      await steps.when((all) => all.filter((step) => step === "ended").length >= 2, "two batches");
      for (const [index, step] of steps.items.entries()) assert.equal(step, index % 2 ? "ended" : "begun");
    },
  );
}
