/**
 * What the test of the deployment asks over HTTP, as commands:
 *
 *     node observe.ts BASE ready | task | pause ID | records ID
 *
 * They print JSON, or an id, and exit with 1 where the response is not as expected.
 */
import { setTimeout as sleep } from "node:timers/promises";

const [base, verb, id] = process.argv.slice(2);
const READY_LIMIT_MS = 120_000;
const QUIET_LIMIT_MS = 90_000;

interface Response {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
}

async function request(path: string, body?: object): Promise<Response & { readonly location: string }> {
  const init = body && {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(base + path, { ...init, signal: AbortSignal.timeout(15_000) });
  const content = (await response.json()) as Response;
  return { ...content, location: response.headers.get("location") ?? "" };
}

/** Waits until the platform is ready; returns how long that took. */
async function ready(): Promise<string> {
  const begun = performance.now();
  for (;;) {
    const response = await request("/ready").catch((error: Error) => ({ code: 0, message: error.message }));
    if (response.code === 200) return JSON.stringify({ readyAfterMs: Math.round(performance.now() - begun) });
    if (performance.now() - begun > READY_LIMIT_MS) throw new Error(`not ready: ${response.message}`);
    await sleep(250);
  }
}

/** Creates a task that is due every second and misses nothing; returns its id. */
async function task(): Promise<string> {
  const { code, message, location } = await request("/scheduler/task/create", {
    name: "each second",
    job_class: "test.main.Test",
    job_params: { name: "kinit", age: 3 },
    exec_strategy: "interval",
    expression: "1 * * * *",
    overlap_policy: "allow",
    misfire_policy: "fire_all",
    is_active: true,
  });
  const [created] = /[0-9a-f]{24}/.exec(location) ?? [];
  if (code !== 200 || !created) throw new Error(`${code} ${message}`);
  return created;
}

interface Row {
  readonly start_datetime: string;
  readonly status: string;
  readonly attempts: readonly unknown[];
}

/** The records of a paused task, once none of them is open: what was recorded twice, or not at all. */
async function records(): Promise<string> {
  for (const deadline = Date.now() + QUIET_LIMIT_MS; ; await sleep(500)) {
    const { data } = await request(`/scheduler/task/record/list/query?task_id=${id}&limit=0&v_order=asc`);
    const rows = data as readonly Row[];
    const open = rows.filter(({ status }) => status === "queued" || status === "running").length;
    if (open > 0 && Date.now() < deadline) continue;
    const seconds = rows.map((row) => Date.parse(`${row.start_datetime.replace(" ", "T")}Z`) / 1000);
    const planned = new Set(seconds);
    const expected = Math.max(...seconds) - Math.min(...seconds) + 1;
    const result = {
      records: rows.length,
      twice: seconds.length - planned.size,
      missing: expected - planned.size,
      open,
      statuses: Object.fromEntries(
        Object.entries(Object.groupBy(rows, ({ status }) => status)).map(([key, all]) => [key, all?.length]),
      ),
      retried: rows.filter(({ attempts }) => attempts.length > 1).length,
    };
    if (rows.length === 0 || result.twice + result.missing + open > 0)
      throw new Error(JSON.stringify(result));
    return JSON.stringify(result);
  }
}

const pause = async () => (await request(`/scheduler/task/stop/update?data_id=${id}`, {})).message;
const verbs: Readonly<Record<string, () => Promise<string>>> = { ready, task, pause, records };
try {
  process.stdout.write(
    `${await (verbs[verb ?? ""] ?? (() => Promise.reject(new Error("unknown verb"))))()}\n`,
  );
} catch (error) {
  process.stderr.write(`${verb}: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
