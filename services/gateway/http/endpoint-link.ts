import type { Route } from "../endpoints/route.ts";
import { type Reception, receiveFile } from "../storage/receive-file.ts";
import type { ApiResponse } from "../wire/response.ts";
import { type ContextOptions, endpointContexts } from "./endpoint-context.ts";
import { type GatewayRequest, type GatewayService, type Link, queryOf } from "./gateway-request.ts";
import { bodyOf } from "./request-body.ts";
import { cutConnection, responseToError } from "./send-error.ts";
import { sendList } from "./send-list.ts";
import { sendResponse } from "./send-response.ts";

/** The last link: runs the endpoint of a route and sends its response, or the one to its error. Never throws. */
export function endpointLink(options: ContextOptions): (route: Route) => Link {
  const contextOf = endpointContexts(options);

  async function run(
    gateway: GatewayService,
    { endpoint }: Route,
    request: GatewayRequest,
  ): Promise<ApiResponse> {
    const body = endpoint.input.source === "body" ? bodyOf(request) : undefined;
    const receive = (reception: Reception) => receiveFile(request, reception);
    return endpoint.handle({ query: queryOf(request), body, receive }, contextOf(gateway, request));
  }

  return (route) =>
    async function (request, response) {
      try {
        const content = await run(this, route, request);
        if (content.more) await sendList(request, response, content);
        else sendResponse(request, response, content);
      } catch (error) {
        if (response.headersSent) cutConnection(this, request, response, error);
        else sendResponse(request, response, responseToError(this, request, error));
      }
    };
}
