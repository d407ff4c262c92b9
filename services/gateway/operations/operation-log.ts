import type { Bus } from "../../../shared/bus/bus.ts";
import type { Config } from "../../../shared/config.ts";
import type { DomainEvent } from "../../../shared/contracts/catalogue.ts";
import { seal } from "../../../shared/envelope.ts";
import { errorMessage } from "../../../shared/errors.ts";
import { objectId } from "../../../shared/ids.ts";
import type { Log } from "../../../shared/log.ts";
import type { Meta } from "../../../shared/service.ts";
import { clientAddresses } from "../access/client-address.ts";
import { describeRoute, type Route } from "../endpoints/route.ts";
import {
  elapsedMs,
  type GatewayRequest,
  pathOf,
  queryOf,
  type RequestWatch,
  urlOf,
} from "../http/gateway-request.ts";
import type { ApiResponse } from "../wire/response.ts";
import { deviceOf } from "./device.ts";
import { recordedBody, recordedQuery, recordedUrl } from "./operation-params.ts";
import { type OperationQueue, operationQueue } from "./operation-queue.ts";

export type OperationLogConfig = Pick<
  Config,
  "operationLogRecord" | "operationRecordMethods" | "ignoredOperations" | "trustedProxies"
>;

export interface OperationLogOptions {
  readonly config: OperationLogConfig;
  readonly bus: Pick<Bus, "send">;
  readonly log: Log;
  /** Operations that may wait for the bus. */
  readonly limit?: number;
}

/** The operation log: it sends each operation to the bus in the same turn as the response. */
export function operationLog({ config, ...options }: OperationLogOptions): RequestWatch {
  const { log } = options;
  const queue = operationQueue(options);
  const isRecorded = recordedRoutes(config);
  const addressOf = clientAddresses(config.trustedProxies);
  return {
    watch(request, route) {
      if (!isRecorded(request.method ?? "", route, pathOf(request))) return true;
      if (!queue.hasRoom()) {
        queue.rejected();
        return false;
      }
      // The address is gone once the client has left.
      const address = addressOf(request) || null;
      request.onResponse = (response, contentLength) => {
        try {
          record(queue, operationOf(request, { route, address, response, contentLength }), request);
        } catch (error) {
          log.error(
            { reason: errorMessage(error), path: pathOf(request) },
            "an operation cannot be recorded",
          );
        }
      };
      return true;
    },
    stop: (limitMs) => queue.stop(limitMs),
  };
}

/** Which requests are recorded, by method, path and name of the operation. */
function recordedRoutes({
  operationLogRecord,
  operationRecordMethods,
  ignoredOperations,
}: OperationLogConfig) {
  const methods = new Set(operationLogRecord ? operationRecordMethods.map((name) => name.toUpperCase()) : []);
  const ignored = new Set(ignoredOperations);
  return (method: string, route: Route, path: string): boolean => {
    if (!methods.has(method)) return false;
    if (ignored.size === 0) return true;
    return ![path, route.operation, describeRoute(route).name].some((name) => ignored.has(name));
  };
}

interface Outcome {
  readonly route: Route;
  readonly address: string | null;
  readonly response: ApiResponse;
  /** Bytes of the response body; null for a list that is sent while it is read. */
  readonly contentLength: number | null;
}

type Recorded = Extract<DomainEvent, { type: "operation.recorded" }>;

function operationOf(request: GatewayRequest, outcome: Outcome): Recorded {
  const { route, address, response, contentLength } = outcome;
  const { name, group, summary, tags } = describeRoute(route);
  const { "user-agent": userAgent, "content-type": contentType, host = "" } = request.headers;
  const { code } = response.body;
  const tookMs = Math.max(0, elapsedMs(request));
  return {
    type: "operation.recorded",
    data: {
      operationId: objectId(),
      at: new Date(Date.now() - tookMs).toISOString(),
      actor: (request.$ctx?.meta as Meta | undefined)?.actor ?? null,
      address,
      ...deviceOf(userAgent),
      method: request.method ?? "",
      path: pathOf(request),
      url: `http://${host}${recordedUrl(urlOf(request))}`,
      operation: `${group}.${name}`,
      summary: summary.zh,
      tags: tags.map(({ zh }) => zh),
      body: recordedBody(request.body, contentType),
      query: recordedQuery(queryOf(request)),
      status: response.status,
      code: typeof code === "number" ? code : null,
      contentLength,
      durationMs: Math.round(tookMs * 1000) / 1000,
    },
  };
}

function record(queue: OperationQueue, operation: Recorded, { $ctx }: GatewayRequest): void {
  const now = Date.now();
  const meta = ($ctx?.meta ?? {}) as Meta;
  const subject = `operation-${new Date(now).toISOString().slice(0, 10)}`;
  const cause = {
    ...($ctx?.requestID ? { correlationid: $ctx.requestID } : {}),
    ...(meta.traceparent ? { traceparent: meta.traceparent } : {}),
    ...(meta.actor ? { actor: meta.actor } : {}),
  };
  queue.add(seal(operation, { subject, now, cause }));
}
