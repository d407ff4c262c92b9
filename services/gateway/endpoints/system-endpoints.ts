import { data } from "../wire/envelope.ts";
import { endpoint, nothing } from "./endpoint.ts";

/** Answers as long as the process can: whoever restarts processes asks this. */
export const health = endpoint(nothing, () => data({ status: "ok" }));

/** 503 names what is missing: whoever routes traffic asks this. */
export const ready = endpoint(nothing, async (_, { readiness }) => {
  const checks = await readiness();
  const missing = checks
    .filter(({ ok }) => !ok)
    .map(({ name, reason }) => `${name}（${reason ?? "missing"}）`);
  if (missing.length === 0) return data({ checks });
  return {
    status: 503,
    body: { code: 503, message: `服务未就绪：${missing.join("、")}`, data: { checks } },
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
