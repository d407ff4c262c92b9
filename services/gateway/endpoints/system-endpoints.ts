import { notReady } from "../texts/messages.ts";
import { one, shape } from "../wire/output.ts";
import { data } from "../wire/response.ts";
import { endpoint, noInput } from "./endpoint.ts";

const optionalText = { type: "string", optional: true } as const;
const checkFields = { name: "string", ok: "boolean", reason: optionalText, warning: optionalText } as const;
const readinessShape = shape(
  "Readiness",
  { checks: { type: "array", items: { type: "object", props: checkFields } } },
  { checks: [{ name: "scheduler", ok: true }] },
);

/** Liveness: responds as long as the process can. */
export const health = endpoint(noInput, one(shape("Health", { status: "string" }, { status: "ok" })), () =>
  data({ status: "ok" }),
);

/** Readiness: 503 with what is missing. */
export const ready = endpoint(noInput, one(readinessShape), async (_, { readiness, language }) => {
  const checks = await readiness();
  const missing = checks.filter(({ ok }) => !ok).map(({ name, reason = "missing" }) => ({ name, reason }));
  if (missing.length === 0) return data({ checks });
  return {
    status: 503,
    body: { code: 503, message: notReady(missing)[language], data: { checks } },
  };
});

const entryPoints = {
  name: "kinit-fast-task",
  tasks: "/scheduler/task/list/query",
  handlers: "/scheduler/task/handler/list/query",
  records: "/scheduler/task/record/list/query",
  health: "/health",
  ready: "/ready",
};
const indexShape = shape(
  "EntryPoints",
  {
    name: "string",
    tasks: "string",
    handlers: "string",
    records: "string",
    health: "string",
    ready: "string",
  },
  entryPoints,
);

/** The entry points of the API. */
export const apiIndex = endpoint(noInput, one(indexShape), () => data(entryPoints));
