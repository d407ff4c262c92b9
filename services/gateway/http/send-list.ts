import type { ServerResponse } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { AppError } from "../../../shared/errors.ts";
import type { Reply } from "../wire/envelope.ts";
import { type GatewayRequest, sendHead } from "./http-exchange.ts";

/** How long a client may take no more of an answer before it is given up. */
const STALLED_MS = 30_000;

class ClientStalled extends AppError {
  constructor() {
    super(`The client took nothing of the answer for ${STALLED_MS} ms.`, {
      type: "CLIENT_STALLED",
    });
  }
}

/**
 * Sends a list whose rows come bit by bit, and asks for no more of them than the client takes; ends early where it
 * leaves. Rejects where the rows fail or the client stalls: the answer has begun then, so only a cut connection can
 * show it.
 */
export async function sendList(
  request: GatewayRequest,
  response: ServerResponse,
  reply: Reply,
): Promise<void> {
  const { head, tail } = around(reply.body);
  sendHead(request, response, reply, { "Content-Type": "application/json" });
  response.write(head);
  let separator = "";
  for await (const rows of reply.more ?? []) {
    if (response.destroyed) return;
    if (rows.length === 0) continue;
    if (!response.write(separator + JSON.stringify(rows).slice(1, -1))) await drained(response);
    separator = ",";
    await turn();
  }
  response.end(tail);
}

/** The text of a body before and after the items of `data`. */
function around(body: Reply["body"]): { head: string; tail: string } {
  const whole = JSON.stringify(body);
  const at = whole.indexOf(OPENING) + OPENING.length;
  return { head: whole.slice(0, at), tail: whole.slice(at) };
}
const OPENING = '"data":[';

/** Resolves when the client has taken what was written, or has left. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void) => () => {
      clearTimeout(limit);
      response.off("drain", done).off("close", done);
      outcome();
    };
    const done = settle(resolve);
    const limit = setTimeout(
      settle(() => reject(new ClientStalled())),
      STALLED_MS,
    );
    response.once("drain", done).once("close", done);
    if (response.destroyed) done();
  });
}
