import { setTimeout as sleep } from "node:timers/promises";
import { defineHandler } from "../handler/define-handler.ts";

/** The Python original's demonstration task, with its params and its result. */
export const demonstration = defineHandler({
  name: "test.main.Test",
  title: "Demonstration: logs its params, waits two seconds",
  params: { name: { type: "string", max: 1000 }, age: { type: "number" } },
  async run({ name, age }, { log, signal }) {
    log.info(`name: ${name}, age: ${age}`);
    await sleep(2000, undefined, { signal });
    return "任务执行完成";
  },
});
