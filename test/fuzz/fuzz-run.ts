import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { openApiDocument } from "../../services/gateway/documents/openapi.ts";
import { routes } from "../../services/gateway/endpoints/routes.ts";
import { freePort } from "../free-port.ts";
import { startTestMongo } from "../mongo.ts";
import { type PlatformOptions, startPlatform } from "../platform.ts";
import { embeddedPostgres } from "../postgres.ts";
import { type FuzzDocument, type FuzzRequest, fuzzRequests } from "./fuzz-requests.ts";

/** What a run found. */
export interface FuzzReport {
  /** Requests by status and code in the body. */
  readonly counts: Readonly<Record<string, number>>;
  /** Requests with a 500, without a response in time, or with a body that is not JSON; cut to 2,000 characters. */
  readonly failures: readonly string[];
  /** The longest time until a response, in milliseconds, and its request. */
  readonly slowest: { readonly ms: number; readonly request: string };
  /** Growth of the heap from the first fifth of the requests to the end, in bytes, after garbage collection. */
  readonly growth: number;
}

const LIMIT_MS = 30_000;
const services = ["gateway", "executor", "scheduler", "records", "crawler", "auth"] as const;

/** Sends generated requests, one after the other, to a platform of its own, whose tasks reach no other host. */
export async function fuzz(requests: number, seed: number): Promise<FuzzReport> {
  const [mongo, postgres] = await Promise.all([startTestMongo(), embeddedPostgres()]);
  const port = await freePort();
  const settings: PlatformOptions["settings"] = {
    SERVER_PORT: String(port),
    REQUESTS_PER_MINUTE: "0",
    AUTH_ENABLE: "false",
    ORM_DB_ENABLE: "true",
    DATA_DIR: postgres.dataDir,
    CRAWLER_BILIBILI_URL: "http://127.0.0.1:1/",
  };
  const platform = await startPlatform({ mongo, services: [...services], settings });
  try {
    const document = openApiDocument(routes, { language: "en", isSecured: false });
    const next = fuzzRequests(document as unknown as FuzzDocument, seed);
    return await sendAll(next, requests, `http://127.0.0.1:${port}`);
  } finally {
    await platform.stop();
    await Promise.all([mongo.close(), postgres.close()]);
  }
}

async function sendAll(next: () => FuzzRequest, requests: number, origin: string): Promise<FuzzReport> {
  const counts: Record<string, number> = {};
  const failures: string[] = [];
  let before = 0;
  let slowest = { ms: 0, request: "" };
  for (let sent = 0; sent < requests; sent++) {
    if (sent === Math.floor(requests / 5)) before = heapUsed();
    const request = next();
    const started = performance.now();
    const outcome = await outcomeOf(request, origin);
    const ms = Math.round(performance.now() - started);
    if (ms > slowest.ms) slowest = { ms, request: JSON.stringify(request).slice(0, 300) };
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (/^(500|no )/.test(outcome)) failures.push(`${outcome}: ${JSON.stringify(request).slice(0, 2000)}`);
  }
  return { counts, failures, slowest, growth: heapUsed() - before };
}

/** Status and code, such as `200/400`, or what is wrong with the response. */
async function outcomeOf(
  { method, path, query, headers, body }: FuzzRequest,
  origin: string,
): Promise<string> {
  try {
    const signal = AbortSignal.timeout(LIMIT_MS);
    const response = await fetch(origin + path + query, { method, headers, body: body ?? null, signal });
    const text = await response.text();
    const { code } = JSON.parse(text) as { code?: unknown };
    return `${response.status}/${code}`;
  } catch (error) {
    return `no response: ${(error as Error).name}`;
  }
}

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}
