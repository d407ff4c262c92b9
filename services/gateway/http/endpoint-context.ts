import type { ServiceBroker } from "moleculer";
import type { Config } from "../../../shared/config.ts";
import { type CommandRef, commandHeaders } from "../../../shared/contracts/command.ts";
import { AppError } from "../../../shared/errors.ts";
import { objectId } from "../../../shared/ids.ts";
import type { ReadinessCheck } from "../../../shared/monitoring/monitoring.ts";
import { call } from "../../../shared/service.ts";
import { apiDocuments } from "../documents/api-documents.ts";
import type { EndpointContext } from "../endpoints/endpoint.ts";
import { type LeaderStatus, readinessOf } from "../endpoints/readiness.ts";
import type { Route } from "../endpoints/route.ts";
import { servicesOf } from "../endpoints/routes.ts";
import type { Storage } from "../storage/storage.ts";
import { datetimeWire } from "../wire/datetime-wire.ts";
import { type GatewayRequest, type GatewayService, requestLanguage } from "./gateway-request.ts";

export interface ContextOptions {
  readonly config: Pick<
    Config,
    "timezone" | "taskEnable" | "ormEnable" | "callTimeoutMs" | "apiDocsEnable" | "authEnable"
  >;
  /** The routes that are served. */
  readonly routes: readonly Route[];
  readonly storage: Pick<Storage, "store">;
  /** Checks of the process around the gateway: stores, streams. */
  readonly readiness: () => Promise<readonly ReadinessCheck[]>;
}

const READINESS_LIMIT_MS = 2000;
const RETRIES = 2;
/**
 * The part of the time of all tries after which no command is carried out any more: a command that is decided in time
 * may take a while to be stored, and none may take effect after the client received its response.
 */
const DEADLINE_PART = 0.8;

function newCommand(callTimeoutMs: number): CommandRef {
  const now = Date.now();
  return { id: objectId(now), deadline: now + (1 + RETRIES) * callTimeoutMs * DEADLINE_PART };
}

class OrmDisabled extends AppError {
  constructor() {
    super("Users and roles are not available: ORM_DB_ENABLE is false", { type: "ORM_DISABLED" });
  }
}

/** Makes the context in which the endpoint of a request runs. */
export function endpointContexts({ config, routes, storage, readiness }: ContextOptions) {
  const datetimes = datetimeWire(config.timezone);
  // Without logins only the routes for users and roles need the auth service.
  const needsAuth = config.ormEnable && config.authEnable;
  const requiredServices = servicesOf(routes).filter((name) => name !== "auth" || needsAuth);
  const documents = apiDocuments({
    routes,
    arePagesEnabled: config.apiDocsEnable,
    isSecured: config.authEnable,
  });

  return ({ broker }: GatewayService, request: GatewayRequest): EndpointContext => ({
    language: requestLanguage(request),
    client: {
      identity: request.client?.identity ?? null,
      address: request.client?.address ?? "",
      device: (request.headers["user-agent"] ?? "").slice(0, 200),
    },
    datetimes,
    storage,
    documents,
    // When a node dies during a call, another one gets it. A command keeps its id at each try.
    async call(name, params) {
      if (!config.ormEnable && name.startsWith("auth.")) throw new OrmDisabled();
      return call(request.$ctx ?? broker, name, params, {
        timeout: config.callTimeoutMs,
        retries: RETRIES,
        headers: commandHeaders(newCommand(config.callTimeoutMs)),
      });
    },
    readiness: () =>
      readinessOf(
        {
          requiredServices,
          isServiceAvailable: (name) =>
            broker.registry.getServiceList({ onlyAvailable: true }).some((known) => known.name === name),
          isBusConnected: () => broker.transit?.connected,
          busProblem: () => broker.bus?.fullReason(),
          leader: config.taskEnable ? () => leaderStatus(broker) : undefined,
          more: readiness,
        },
        READINESS_LIMIT_MS,
      ),
  });
}

/** Any scheduler knows which node leads; only that node knows its own state. */
async function leaderStatus(broker: ServiceBroker): Promise<LeaderStatus> {
  const limit = { timeout: READINESS_LIMIT_MS };
  const { active, leader, problem, skipping } = await call(broker, "scheduler.status", {}, limit);
  if (active || leader === null) return { node: leader, problem, skipping };
  const own = await call(broker, "scheduler.status", {}, { ...limit, nodeID: leader });
  return { node: leader, problem: own.problem, skipping: own.skipping };
}
