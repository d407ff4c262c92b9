import type { ServiceBroker, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import type { Config } from "../../shared/config.ts";
import type { ReadinessCheck } from "../../shared/monitoring/monitoring.ts";
import { type AccessConfig, RequestAccess } from "./access/request-access.ts";
import type { Revocation } from "./access/revocations.ts";
import { pageRoutes } from "./endpoints/page-routes.ts";
import { indexRoutes, routes, servedRoutes } from "./endpoints/routes.ts";
import { checkAccess } from "./http/access-link.ts";
import type { ContextOptions } from "./http/endpoint-context.ts";
import { endpointLink } from "./http/endpoint-link.ts";
import { type GatewayRequest, type GatewayService, requestId, requestMeta } from "./http/gateway-request.ts";
import { closeWithin, listen } from "./http/listen.ts";
import { type MatchConfig, matchRoute } from "./http/match-route.ts";
import { readBody } from "./http/request-body.ts";
import { sendError } from "./http/send-error.ts";
import { type OperationLogConfig, operationLog } from "./operations/operation-log.ts";
import { openStorage, type StorageConfig } from "./storage/storage.ts";

export interface GatewayDeps {
  readonly config: ContextOptions["config"] &
    MatchConfig &
    OperationLogConfig &
    StorageConfig &
    AccessConfig &
    Pick<Config, "serverPort" | "drainMs" | "apps" | "requestLogRecord">;
  /** What this process needs in addition to the services: stores, streams. */
  readonly readiness?: () => Promise<readonly ReadinessCheck[]>;
  /** Operations that may wait for the bus; then changes are rejected. */
  readonly operationLimit?: number;
}

/** Longer than the idle time of the usual load balancers, so that they close a connection first. */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * The HTTP API: a request passes `matchRoute`, `checkAccess`, `readBody` and the endpoint of its route.
 *
 * - `http/` receives requests and sends responses;
 * - `access/` finds out who makes a request, and whether its route is open to them;
 * - `endpoints/` has the table of routes and what each of them does;
 * - `wire/` converts between the API of the Python original and ours;
 * - `operations/` records the requests that change something;
 * - `texts/` has every text for clients, in both languages.
 *
 * Pages of other origins can neither change anything nor read responses, unless their origin is configured.
 */
export const gatewayService = ({
  config,
  readiness = async () => [],
  operationLimit: limit,
}: GatewayDeps): ServiceSchema => {
  const storage = openStorage(config);
  const documented = servedRoutes(routes, config.apps);
  const served = [...documented, ...pageRoutes];
  const linkTo = endpointLink({ config, routes: documented, storage, readiness });
  let broker: ServiceBroker;
  const access = new RequestAccess({ config, caller: () => broker, now: Date.now });
  return {
    name: "gateway",
    mixins: [ApiGateway],
    settings: {
      // Moleculer publishes settings to every node; these stay private.
      $secureSettings: ["ip", "port", "routes", "onError", "rootCallOptions"],
      // The mixin's own server would end the process on one fault of its address, and wait forever on any other.
      server: false,
      ip: config.serverHost,
      port: config.serverPort,
      requestTimeout: REQUEST_TIMEOUT_MS,
      logRequest: null,
      logRequestParams: null,
      logResponse: null,
      logRouteRegistration: null,
      rootCallOptions,
      onError: sendError,
      routes: [
        {
          path: "/",
          mappingPolicy: "restrict",
          bodyParsers: false,
          use: [
            matchRoute(config, { index: indexRoutes(served), media: storage.served }),
            checkAccess(access),
            readBody,
          ],
          aliases: Object.fromEntries(
            served.flatMap((route) => Object.values(route.paths).map((alias) => [alias, linkTo(route)])),
          ),
          onError: sendError,
        },
      ],
    },
    // The mixin would let any node list and change the routes of this one.
    actions: { listAliases: false, addRoute: false, removeRoute: false },
    events: {
      "auth.revoked": ({ params }: { params: Revocation }) => access.revoke(params),
    },
    created(this: GatewayService) {
      this.logsRequests = config.requestLogRecord;
      this.operations = operationLog({
        config,
        bus: this.broker.bus,
        log: this.logger,
        ...(limit && { limit }),
      });
      broker = this.broker;
      this.createServer();
      this.server.keepAliveTimeout = KEEP_ALIVE_MS;
      this.server.headersTimeout = HEADERS_TIMEOUT_MS;
      // `readBody` requests the body once the request is accepted; Node would request it at once.
      this.server.on("checkContinue", (request, response) => {
        this.server.emit("request", Object.assign(request, { isBodyAwaited: true }), response);
      });
    },
    started(this: GatewayService) {
      storage.start(this.logger);
      return listen(this.server, config);
    },
    async stopped(this: GatewayService) {
      await closeWithin(this.server, config.drainMs);
      await Promise.all([this.operations.stop(config.drainMs), storage.stop()]);
    },
  } as unknown as ServiceSchema;
};

/** Options of the root context: the ids that all calls of the request inherit. */
function rootCallOptions(options: Record<string, unknown>, request: GatewayRequest): void {
  options.requestID = requestId(options.requestID);
  options.meta = requestMeta(request);
  // The server waits for open requests when it stops, with a limit; Moleculer's own count would only delay the stop.
  options.tracking = false;
}

export default ({ config }: ServiceBroker) => gatewayService({ config });
