import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrokerOptions, ServiceBroker, type ServiceSchema } from "moleculer";
import { channels } from "../../shared/bus/channels.ts";
import { localBus } from "../../shared/bus/local/local-bus.ts";
import { apps } from "../../shared/contracts/apps.ts";
import { validatorOptions } from "../../shared/contracts/contract.ts";
import { brokerLogger, createLogger } from "../../shared/logger.ts";
import { eventually } from "../../test/eventually.ts";
import { type GatewayDeps, gatewayService } from "./gateway.service.ts";
import type { GatewayService } from "./http/gateway-request.ts";

export interface RunningGateway {
  readonly broker: ServiceBroker;
  readonly service: GatewayService;
  readonly origin: string;
  /** Every line logged so far. */
  readonly lines: () => readonly Record<string, unknown>[];
  stop(): Promise<void>;
}

interface Surroundings {
  readonly services: readonly ServiceSchema[];
  readonly config?: Partial<GatewayDeps["config"]>;
  readonly readiness?: GatewayDeps["readiness"];
  readonly transporter?: BrokerOptions["transporter"];
  readonly operationLimit?: number;
}

/** A broker with the gateway on a free port and the given services. */
export async function runGateway(surroundings: Surroundings): Promise<RunningGateway> {
  const { services, config, readiness, transporter, operationLimit } = surroundings;
  const written: string[] = [];
  const logger = createLogger(
    { logLevel: "info", logFormat: "json" },
    { write: (line: string) => void written.push(line) },
  );
  const broker = new ServiceBroker({
    nodeID: "gateway-spec",
    transporter: transporter ?? null,
    logger: brokerLogger({ logLevel: "info", logFormat: "json" }, logger),
    validator: { type: "Fastest", options: validatorOptions } as never,
    middlewares: [channels(localBus({ deadLetter: async () => {}, logger }))],
    tracking: { enabled: true, shutdownTimeout: 5000 },
  });
  for (const schema of services) broker.createService(schema);
  const service = broker.createService(
    gatewayService({
      config: {
        serverHost: "127.0.0.1",
        serverPort: 0,
        serverNames: [],
        allowedOrigins: [],
        timezone: "Asia/Shanghai",
        taskEnable: true,
        ormEnable: services.some(({ name }) => name === "auth"),
        callTimeoutMs: 2000,
        drainMs: 2000,
        apps,
        dataDir: join(tmpdir(), `kinit-gateway-${process.pid}`),
        localEnable: true,
        localPath: "",
        tempEnable: true,
        tempPath: "",
        tempMaxAgeMs: 86_400_000,
        demoEnv: false,
        demoWhiteList: [],
        demoBlackList: [],
        requestLogRecord: true,
        operationLogRecord: true,
        operationRecordMethods: ["post", "put", "delete"],
        ignoredOperations: [],
        authEnable: false,
        accessTokenMs: 600_000,
        trustedProxies: [],
        requestsPerMinute: 0,
        apiDocsEnable: true,
        ...config,
      },
      ...(readiness ? { readiness } : {}),
      ...(operationLimit ? { operationLimit } : {}),
    }),
  ) as GatewayService;
  await broker.start();
  const { port } = service.server.address() as AddressInfo;
  return {
    broker,
    service,
    origin: `http://127.0.0.1:${port}`,
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    stop: () => broker.stop(),
  };
}

export interface TestResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends a request such as `GET /health`; redirects are not followed. */
export async function send(
  { origin }: RunningGateway,
  alias: string,
  init: RequestInit = {},
): Promise<TestResponse> {
  const [method, path] = alias.split(" ") as [string, string];
  const response = await fetch(origin + path, { method, redirect: "manual", ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** A JSON body; a string is sent as it stands. */
export function json(value: unknown): RequestInit {
  return {
    body: typeof value === "string" ? value : JSON.stringify(value),
    headers: { "content-type": "application/json" },
  };
}

export interface RawResponse {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Whether the server requested the body by `100 Continue`. */
  readonly wasContinued: boolean;
}

/**
 * Sends exactly these headers, also those that `fetch` keeps to itself, on a connection of its own. With `Expect` the
 * body follows only when it is requested.
 */
export function sendRaw(
  { origin }: RunningGateway,
  alias: string,
  { headers, body }: { readonly headers: OutgoingHttpHeaders; readonly body?: string },
): Promise<RawResponse> {
  const [method, path] = alias.split(" ") as [string, string];
  return new Promise((resolve, reject) => {
    let wasContinued = false;
    const sent = request(origin + path, { method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.once("error", reject).once("end", () => {
        sent.destroy();
        resolve({ status: response.statusCode, headers: response.headers, text, wasContinued });
      });
    });
    sent.once("error", reject);
    if (headers.expect === undefined) sent.end(body);
    else sent.flushHeaders();
    sent.once("continue", () => {
      wasContinued = true;
      sent.end(body);
    });
  });
}

/** The first line that fits; lines are written when a connection is done, which may be just after the response. */
export function logged(
  gateway: RunningGateway,
  fits: (line: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown>> {
  return eventually(() => gateway.lines().find(fits));
}
