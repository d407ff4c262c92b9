import type { ServerResponse } from "node:http";
import type { ServiceBroker } from "moleculer";
import type { Config } from "../../../shared/config.ts";
import { type CommandRef, commandHeaders } from "../../../shared/contracts/command.ts";
import { objectId } from "../../../shared/ids.ts";
import { call } from "../../../shared/service.ts";
import type { Exchange } from "../endpoints/endpoint.ts";
import { type LeaderStatus, type ReadinessCheck, readinessOf } from "../endpoints/readiness.ts";
import { type Route, routes, servicesBehind } from "../endpoints/routes.ts";
import type { GatewayService } from "../gateway.service.ts";
import { type Language, languageOf } from "../texts/language.ts";
import { datetimeWire } from "../wire/datetime-wire.ts";
import { httpError, type Reply } from "../wire/envelope.ts";
import { errorResponse, unexpected } from "../wire/error-response.ts";
import { type GatewayRequest, queryOf, send } from "./http-exchange.ts";
import { bodyOf } from "./request-body.ts";
import { logWhenDone } from "./request-log.ts";
import { sendList } from "./send-list.ts";

/** A link of moleculer-web's chain. */
export type Link = (
  this: GatewayService,
  request: GatewayRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

export interface AnsweringDeps {
  readonly config: Pick<Config, "timezone" | "taskEnable" | "callTimeoutMs">;
  readonly readiness: () => Promise<readonly ReadinessCheck[]>;
}

const READINESS_LIMIT_MS = 2000;
const RETRIES = 2;
/**
 * No command is carried out later than this part of the time that its tries may take, so that none takes effect after
 * the client was answered: what was decided in time may take a while to be stored.
 */
const DEADLINE_PART = 0.8;

function newCommand(callTimeoutMs: number): CommandRef {
  const now = Date.now();
  return { id: objectId(now), deadline: now + (1 + RETRIES) * callTimeoutMs * DEADLINE_PART };
}

/** The last link: runs a route's endpoint and sends its reply, or that to whatever was thrown. Never throws. */
export function answering({ config, readiness }: AnsweringDeps): (route: Route) => Link {
  const datetimes = datetimeWire(config.timezone);
  const requiredServices = servicesBehind(routes);

  function exchangeOf({ broker }: GatewayService, request: GatewayRequest): Exchange {
    const { $ctx } = request;
    return {
      language: languageFor(request),
      datetimes,
      // A node that died under a call is replaced by another one. A command stays the same command at each try.
      call: (name, params) =>
        call($ctx ?? broker, name, params, {
          timeout: config.callTimeoutMs,
          retries: RETRIES,
          headers: commandHeaders(newCommand(config.callTimeoutMs)),
        }),
      readiness: () =>
        readinessOf(
          {
            requiredServices,
            isServiceAvailable: (name) =>
              broker.registry.getServiceList({ onlyAvailable: true }).some((known) => known.name === name),
            isBusConnected: () => broker.transit?.connected,
            busRefusal: () => broker.bus?.fullReason(),
            leader: config.taskEnable ? () => leaderStatus(broker) : undefined,
            more: readiness,
          },
          READINESS_LIMIT_MS,
        ),
    };
  }

  async function replyOf(gateway: GatewayService, route: Route, request: GatewayRequest): Promise<Reply> {
    const { endpoint } = route;
    const body = endpoint.input.source === "body" ? bodyOf(request) : undefined;
    return endpoint.handle({ query: queryOf(request), body }, exchangeOf(gateway, request));
  }

  return (route) =>
    async function (request, response) {
      try {
        const reply = await replyOf(this, route, request);
        if (reply.more) await sendList(request, response, reply);
        else send(request, response, reply);
      } catch (error) {
        if (response.headersSent) cut(this, request, response, error);
        else
          send(request, response, errorResponse(error, languageFor(request)) ?? logged(this, request, error));
      }
    };
}

/** Asks any scheduler which node leads, then that node how it is. */
async function leaderStatus(broker: ServiceBroker): Promise<LeaderStatus> {
  const limit = { timeout: READINESS_LIMIT_MS };
  const { active, leader, problem, skipping } = await call(broker, "scheduler.status", {}, limit);
  if (active || leader === null) return { node: leader, problem, skipping };
  const asked = await call(broker, "scheduler.status", {}, { ...limit, nodeID: leader });
  return { node: leader, problem: asked.problem, skipping: asked.skipping };
}

/** Sends the reply to what the chain itself could not do: no route at all, or a fault in a link. */
export function answerFault(
  this: GatewayService,
  request: GatewayRequest,
  response: ServerResponse,
  error: unknown,
): void {
  logWhenDone(request, response, this.logger);
  const isUnrouted = (error as { code?: unknown }).code === 404;
  const reply = isUnrouted ? httpError(404, "Not Found") : errorResponse(error, languageFor(request));
  send(request, response, reply ?? logged(this, request, error));
}

/** An answer that has begun cannot become an error any more; a client sees by the cut that it is not complete. */
function cut(
  { logger }: GatewayService,
  { $ctx, matchedRoute }: GatewayRequest,
  response: ServerResponse,
  err: unknown,
): void {
  if (response.destroyed) return;
  logger.warn({ requestId: $ctx?.requestID, route: matchedRoute?.paths, err }, "answer was cut off");
  response.destroy();
}

function languageFor({ headers }: GatewayRequest): Language {
  return languageOf(headers["accept-language"]);
}

function logged({ logger }: GatewayService, request: GatewayRequest, err: unknown): Reply {
  const { $ctx, matchedRoute } = request;
  logger.error(
    { requestId: $ctx?.requestID, route: matchedRoute?.paths, err },
    "request failed unexpectedly",
  );
  return unexpected(languageFor(request));
}
