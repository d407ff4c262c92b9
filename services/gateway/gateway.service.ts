import type { Server } from "node:http";
import type { Service, ServiceBroker, ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import type { Config } from "../../shared/config.ts";
import type { ReadinessCheck } from "./endpoints/readiness.ts";
import { indexRoutes, routes } from "./endpoints/routes.ts";
import { type AnsweringDeps, answerFault, answering, type Link } from "./http/answering.ts";
import { cors } from "./http/cors.ts";
import {
  findRoute,
  type GatewayRequest,
  pathOf,
  requestId,
  requestMeta,
  send,
} from "./http/http-exchange.ts";
import { closeWithin, listen } from "./http/listen.ts";
import { readBody } from "./http/request-body.ts";
import { type GuardConfig, requestGuard } from "./http/request-guard.ts";
import { logWhenDone } from "./http/request-log.ts";

export interface GatewayDeps {
  readonly config: AnsweringDeps["config"] & GuardConfig & Pick<Config, "serverPort" | "drainMs">;
  /** What this process needs beside the services: stores, streams. */
  readonly readiness?: () => Promise<readonly ReadinessCheck[]>;
}

/** The running gateway; `server.address()` tells the port where 0 was configured. */
export type GatewayService = Service & { readonly server: Server; createServer(): void };

/** Longer than the idle time of the usual load balancers, so that it is they who close a connection. */
const KEEP_ALIVE_MS = 65_000;
const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * HTTP in front of the services: the paths of both revisions of the original and ours, all from `routes.ts`.
 * Pages of other origins can neither change anything nor read answers, unless they are configured.
 */
export const gatewayService = ({ config, readiness = async () => [] }: GatewayDeps): ServiceSchema => {
  const answer = answering({ config, readiness });
  return {
    name: "gateway",
    mixins: [ApiGateway],
    settings: {
      // Settings are told to every node; nothing of these is anybody's business.
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
      onError: answerFault,
      routes: [
        {
          path: "/",
          mappingPolicy: "restrict",
          bodyParsers: false,
          // Who is asking and what they may do belongs between these two: the route is known, nothing is read yet.
          use: [matchRoute(config), readBody],
          aliases: Object.fromEntries(
            routes.flatMap((route) => Object.values(route.paths).map((alias) => [alias, answer(route)])),
          ),
          onError: answerFault,
        },
      ],
    },
    // The mixin would let any node list and change the routes of this one.
    actions: { listAliases: false, addRoute: false, removeRoute: false },
    created(this: GatewayService) {
      this.createServer();
      this.server.keepAliveTimeout = KEEP_ALIVE_MS;
      this.server.headersTimeout = HEADERS_TIMEOUT_MS;
      // `readBody` asks for the body of such a request once it wants it; Node would ask at once.
      this.server.on("checkContinue", (request, response) => {
        this.server.emit("request", Object.assign(request, { isBodyAwaited: true }), response);
      });
    },
    started(this: GatewayService) {
      return listen(this.server, config);
    },
    stopped(this: GatewayService) {
      return closeWithin(this.server, config.drainMs);
    },
  } as unknown as ServiceSchema;
};

const index = indexRoutes(routes);
/** Load balancers and orchestrators ask these by whatever address they know; they tell nothing worth protecting. */
const OPEN_PATHS = new Set(["/health", "/ready"]);

/** First link: the line in the log, and the end for requests that are refused or that no route answers. */
function matchRoute(config: GuardConfig): Link {
  const refusalOf = requestGuard(config);
  const openToPages = cors(config.allowedOrigins);
  return function (request, response, next) {
    logWhenDone(request, response, this.logger);
    const refusal = OPEN_PATHS.has(pathOf(request)) ? undefined : refusalOf(request);
    const found = refusal ?? openToPages(request, response) ?? findRoute(index, request);
    if ("status" in found) return send(request, response, found);
    request.matchedRoute = found;
    next();
  };
}

/** Options of the root context: the ids that all calls of the request inherit. */
function rootCallOptions(options: Record<string, unknown>, request: GatewayRequest): void {
  options.requestID = requestId(options.requestID);
  options.meta = requestMeta(request);
  // The server's own stop waits for open requests and has a limit; counting them twice would only delay it.
  options.tracking = false;
}

export default ({ config }: ServiceBroker) => gatewayService({ config });
