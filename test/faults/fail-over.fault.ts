import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type Cluster, startCluster } from "../stories/cluster.ts";

const COMMANDS = 12;
/** The lease, what the gateway waits for a node that is silent, and room for a busy machine. */
const RESPONSE_LIMIT_MS = 9000;

describe("commands during a fail-over", () => {
  let cluster: Cluster;
  let taskIds: readonly string[];
  before(async () => {
    cluster = await startCluster();
    await cluster.start("scheduler", { name: "scheduler-2" });
    await cluster.start("scheduler", { name: "scheduler-3" });
    const task = {
      job_class: "test.main.Test",
      job_params: { name: "kinit", age: 3 },
      exec_strategy: "interval",
      expression: "0 0 1 * *",
      is_active: false,
    };
    taskIds = await Promise.all(Array.from({ length: COMMANDS }, () => cluster.api.create(task)));
  });
  after(() => cluster?.stop());

  /** Sends a command on each task, some at once and the others while the lease changes hands. */
  function sendAll(what: "start" | "stop") {
    return Promise.all(
      taskIds.map(async (taskId, n) => {
        await delay(n * 200);
        const sentAt = performance.now();
        const { code, data } = await cluster.api.post(`/scheduler/task/${what}/update?data_id=${taskId}`);
        return { code, data, tookMs: performance.now() - sentAt };
      }),
    );
  }
  function assertSucceeded(responses: Awaited<ReturnType<typeof sendAll>>, data: string): void {
    const wrong = responses.filter(
      (response) => response.code !== 200 || response.data !== data || response.tookMs > RESPONSE_LIMIT_MS,
    );
    assert.deepEqual(wrong, [], `of ${COMMANDS} commands`);
  }

  it("succeed while the active scheduler is frozen for longer than its lease", async () => {
    const { active } = await cluster.schedulers();
    active.freeze();
    const responses = sendAll("start");
    await delay(2500);
    active.thaw();
    assertSucceeded(await responses, "任务开启成功");
  });

  it("succeed while it is killed", async () => {
    const { active } = await cluster.schedulers();
    const responses = sendAll("stop");
    await active.kill();
    assertSucceeded(await responses, "任务暂停成功");
  });
});
