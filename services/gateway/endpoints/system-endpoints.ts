import { notReady } from "../texts/messages.ts";
import { data } from "../wire/response.ts";
import { endpoint, noInput } from "./endpoint.ts";

/** Liveness: responds as long as the process can. */
export const health = endpoint(noInput, () => data({ status: "ok" }));

/** Readiness: 503 with what is missing. */
export const ready = endpoint(noInput, async (_, { readiness, language }) => {
  const checks = await readiness();
  const missing = checks.filter(({ ok }) => !ok).map(({ name, reason = "missing" }) => ({ name, reason }));
  if (missing.length === 0) return data({ checks });
  return {
    status: 503,
    body: { code: 503, message: notReady(missing)[language], data: { checks } },
  };
});

/** The entry points of the API. */
export const apiIndex = endpoint(noInput, () =>
  data({
    name: "kinit-fast-task",
    tasks: "/scheduler/task/list/query",
    handlers: "/scheduler/task/handler/list/query",
    records: "/scheduler/task/record/list/query",
    health: "/health",
    ready: "/ready",
  }),
);
