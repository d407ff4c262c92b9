import { createServer, type RequestListener, type Server } from "node:http";
import type { Config } from "../shared/config.ts";
import { AppError, errorMessage } from "../shared/errors.ts";
import { noMetrics } from "../shared/monitoring/metrics.ts";
import { createMonitoring, type Monitoring } from "../shared/monitoring/monitoring.ts";
import type { PrometheusMetrics } from "../shared/monitoring/prometheus-metrics.ts";

type HealthConfig = Pick<Config, "healthHost" | "healthPort">;
type Phase = "starting" | "running" | "stopping";

/** How a process is probed and measured from outside. */
export interface ProcessHealth {
  readonly monitoring: Monitoring;
  /** Null where nothing listens. */
  readonly address: string | null;
  /** Only a running process is ready. */
  enter(phase: Phase): void;
  close(): Promise<void>;
}

/** Probes usually wait longer for a response. */
const CHECK_LIMIT_MS = 2000;

/**
 * Listens on HEALTH_HOST:HEALTH_PORT, from before anything else starts until after everything else has stopped:
 * - `/health` responds as long as the event loop runs,
 * - `/ready` checks what this process itself needs; the gateway's own `/ready` checks the whole platform,
 * - `/metrics` returns the metrics of this process as Prometheus text.
 *
 * Without HEALTH_PORT nothing listens and nothing is measured.
 * @throws AppError `HEALTH_ADDRESS_UNAVAILABLE`
 */
export async function startHealth(config: HealthConfig): Promise<ProcessHealth> {
  if (config.healthPort === 0) {
    return { monitoring: createMonitoring(noMetrics), address: null, enter() {}, async close() {} };
  }
  const { prometheusMetrics } = await import("../shared/monitoring/prometheus-metrics.ts");
  const metrics = prometheusMetrics();
  const monitoring = createMonitoring(metrics);
  let phase: Phase = "starting";
  const server = createServer(respond({ metrics, monitoring, phase: () => phase }));
  await listen(server, config);
  return {
    monitoring,
    address: `http://${config.healthHost}:${config.healthPort}`,
    enter(entered) {
      phase = entered;
    },
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

interface Sources {
  readonly metrics: PrometheusMetrics;
  readonly monitoring: Monitoring;
  phase(): Phase;
}

function respond({ metrics, monitoring, phase }: Sources): RequestListener {
  const pages: Readonly<Record<string, () => Promise<Page>>> = {
    "/health": async () => json(200, { status: "ok" }),
    async "/ready"() {
      const services = { name: "services", ok: phase() === "running", reason: phase() };
      const checks = [services, ...(await monitoring.checks(CHECK_LIMIT_MS))];
      const isReady = checks.every(({ ok }) => ok);
      return json(isReady ? 200 : 503, { status: isReady ? "ready" : "not ready", checks });
    },
    "/metrics": async () => ({ status: 200, type: metrics.contentType, body: await metrics.text() }),
  };
  return async (request, response) => {
    const path = request.url?.split("?", 1)[0] ?? "";
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    const { status, type, body } = await (page?.() ?? json(404, { status: "not found" })).catch(
      (error: unknown) => json(500, { status: "failed", reason: errorMessage(error) }),
    );
    response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" }).end(body);
  };
}

interface Page {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

async function json(status: number, content: object): Promise<Page> {
  return { status, type: "application/json", body: `${JSON.stringify(content)}\n` };
}

async function listen(server: Server, { healthHost, healthPort }: HealthConfig): Promise<void> {
  const bound = Promise.withResolvers<void>();
  server.once("error", bound.reject);
  server.listen(healthPort, healthHost, bound.resolve);
  try {
    await bound.promise;
  } catch (cause) {
    throw new AppError(
      `The health port cannot be opened on ${healthHost}:${healthPort}: ${errorMessage(cause)}. Set HEALTH_HOST and HEALTH_PORT to a free address of this machine, or HEALTH_PORT to 0 for none.`,
      { type: "HEALTH_ADDRESS_UNAVAILABLE", cause },
    );
  } finally {
    server.off("error", bound.reject);
  }
}
