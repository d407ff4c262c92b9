import type { ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { AppError } from "../../../shared/errors.ts";
import type { ApiResponse } from "../wire/response.ts";
import type { GatewayRequest } from "./gateway-request.ts";
import { reportResponse, sendHead } from "./send-response.ts";

/** How long a client may read nothing of a response before the connection is closed. */
const STALLED_MS = 30_000;

class ClientStalled extends AppError {
  constructor() {
    super(`The client read nothing of the response for ${STALLED_MS} ms`, {
      type: "CLIENT_STALLED",
    });
  }
}

/**
 * Sends a list while its rows are read, no faster than the client reads; ends early where the client leaves. Rejects
 * where reading rows fails or the client stalls: the response has begun then, so only a closed connection can show it.
 */
export async function sendList(
  request: GatewayRequest,
  response: ServerResponse,
  content: ApiResponse,
): Promise<void> {
  const { head, tail } = around(content.body);
  sendHead(request, response, content, { "Content-Type": "application/json" });
  response.write(head);
  reportResponse(request, content, null);
  let separator = "";
  for await (const rows of content.more ?? []) {
    if (response.destroyed) return;
    if (rows.length === 0) continue;
    if (!response.write(separator + JSON.stringify(rows).slice(1, -1))) await drained(response);
    separator = ",";
    await turn();
  }
  response.end(tail);
}

/** The text of a response body before and after the items of `data`. */
function around(body: ApiResponse["body"]): { head: string; tail: string } {
  const whole = JSON.stringify(body);
  const at = whole.indexOf(OPENING) + OPENING.length;
  return { head: whole.slice(0, at), tail: whole.slice(at) };
}
const OPENING = '"data":[';

/** Resolves when the client has read what was written, or has left. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (outcome: () => void) => () => {
      clearTimeout(limit);
      response.off("drain", done).off("close", done);
      outcome();
    };
    const done = finish(resolve);
    const limit = setTimeout(
      finish(() => reject(new ClientStalled())),
      STALLED_MS,
    );
    response.once("drain", done).once("close", done);
    if (response.destroyed) done();
  });
}
