import { defineHandler } from "../../services/executor/handler/define-handler.ts";

/** Does nothing: what is measured is the platform. */
export const noop = defineHandler({ name: "bench.noop", title: "Does nothing", params: {}, run: () => null });
