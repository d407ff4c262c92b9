import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { LIMIT_MS } from "../eventually.ts";

export interface Envelope {
  readonly code: number;
  readonly message: string;
  readonly data: unknown;
  readonly total?: number;
}
/** A record as the HTTP API shows it. */
export interface WireRecord {
  readonly id: string;
  readonly task_id: string;
  readonly start_datetime: string;
  readonly end_datetime: string | null;
  readonly process_time: number | null;
  readonly retval: string | null;
  readonly exception: string | null;
  readonly status: string;
  readonly attempts: readonly { readonly executor: string; readonly outcome: string | null }[];
  readonly log: readonly { readonly message: string }[];
}

/** The HTTP API, as a client of the original uses it. */
export interface Api {
  get(path: string): Promise<Envelope>;
  post(path: string, body?: unknown): Promise<Envelope>;
  /** Creates a task; answers its id. */
  create(task: object): Promise<string>;
  /** The same where it may be refused: the answer's code, and the id where there is one. */
  tryCreate(task: object): Promise<{ code: number; id: string | undefined }>;
  records(taskId: string): Promise<readonly WireRecord[]>;
  /** Asks until the records satisfy the condition; the limit names what was seen last. */
  recordsWhen(
    taskId: string,
    condition: (records: readonly WireRecord[]) => boolean,
    limitMs?: number,
  ): Promise<readonly WireRecord[]>;
}

const POLL_MS = 50;

export function httpApi(address: string): Api {
  const fetched = (path: string, init?: RequestInit) =>
    fetch(address + path, { ...init, signal: AbortSignal.timeout(LIMIT_MS) });
  const request = async (path: string, init?: RequestInit): Promise<Envelope> =>
    (await (await fetched(path, init)).json()) as Envelope;
  const posted = (body: unknown): RequestInit => ({
    method: "POST",
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const api: Api = {
    get: (path) => request(path),
    post: (path, body) => request(path, posted(body)),
    async create(task) {
      const { code, id } = await api.tryCreate(task);
      assert.equal(code, 200);
      assert.ok(id, "the answer says where the new task is");
      return id;
    },
    async tryCreate(task) {
      const name = `story-${crypto.randomUUID()}`;
      const body = { name, is_active: true, ...task };
      const response = await fetched("/scheduler/task/create", posted(body));
      const { code } = (await response.json()) as Envelope;
      return { code, id: response.headers.get("location")?.slice(-24) };
    },
    async records(taskId) {
      const response = await api.get(`/scheduler/task/record/list/query?limit=0&task_id=${taskId}`);
      assert.equal(response.code, 200, response.message);
      return response.data as WireRecord[];
    },
    async recordsWhen(taskId, condition, limitMs = LIMIT_MS) {
      const deadline = Date.now() + limitMs;
      for (;;) {
        const records = await api.records(taskId).catch(() => []);
        if (condition(records)) return records;
        assert.ok(
          Date.now() < deadline,
          `after ${limitMs} ms the records are ${JSON.stringify(records.slice(-20))}`,
        );
        await delay(POLL_MS);
      }
    },
  };
  return api;
}
