import { notReady } from "../texts/messages.ts";
import { data } from "../wire/envelope.ts";
import { endpoint, nothing } from "./endpoint.ts";

/** Answers as long as the process can: whoever restarts processes asks this. */
export const health = endpoint(nothing, () => data({ status: "ok" }));

/** 503 names what is missing: whoever routes traffic asks this. */
export const ready = endpoint(nothing, async (_, { readiness, language }) => {
  const checks = await readiness();
  const missing = checks.filter(({ ok }) => !ok).map(({ name, reason = "missing" }) => ({ name, reason }));
  if (missing.length === 0) return data({ checks });
  return {
    status: 503,
    body: { code: 503, message: notReady(missing)[language], data: { checks } },
  };
});

export const signpost = endpoint(nothing, () =>
  data({
    name: "kinit-fast-task",
    tasks: "/scheduler/task/list/query",
    handlers: "/scheduler/task/handler/list/query",
    records: "/scheduler/task/record/list/query",
    health: "/health",
    ready: "/ready",
  }),
);
