import { actorOf } from "../../../shared/contracts/access-token.ts";
import type { Meta } from "../../../shared/service.ts";
import type { RequestAccess } from "../access/request-access.ts";
import type { Link } from "./gateway-request.ts";
import { responseToError } from "./send-error.ts";
import { sendResponse } from "./send-response.ts";

/** The second link: the route is known, and nothing of the body is read yet. Rejects requests that may not use it. */
export function checkAccess(access: RequestAccess): Link {
  return async function (request, response, next) {
    const { matchedRoute } = request;
    if (!matchedRoute) return next();
    try {
      // The operation log names whoever was rejected, too.
      request.client = await access.admit(request, matchedRoute.access, ({ identity }) => {
        if (!identity || !request.$ctx) return;
        const meta = request.$ctx.meta as Meta;
        meta.actor = actorOf(identity);
        meta.permissions = identity.permissions;
      });
    } catch (error) {
      return sendResponse(request, response, responseToError(this, request, error));
    }
    next();
  };
}
