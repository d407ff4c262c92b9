import type { Socket } from "node:net";
import { FrameReader, MAX_MESSAGE_BYTES } from "./frame-reader.ts";
import { asFault, encodeLegacyReply, encodeReply, faultReply, type Reply } from "./reply.ts";
import { type Request, readRequest, requestIdOf } from "./request.ts";

/** State of one client connection. */
export interface ClientState {
  readonly connectionId: number;
  applicationName: string | null;
}

/** Traffic of all connections. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
  requests: number;
}

/** Thrown by a handler to close the connection without a reply, for fail points. */
export class CloseConnection extends Error {}

export type RequestHandler = (request: Request, client: ClientState) => Promise<Reply>;

/**
 * Serves one socket: handles its messages one at a time, in order.
 *
 * Bytes that are not a message end the connection, since the start of the next message is unknown. A message that
 * is not a command gets an error reply if one is possible.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #handle: RequestHandler;
  readonly #client: ClientState;
  readonly #frames = new FrameReader();
  readonly #traffic: Traffic;
  #isServing = false;

  constructor(
    socket: Socket,
    { handle, connectionId, traffic }: { handle: RequestHandler; connectionId: number; traffic: Traffic },
  ) {
    this.#traffic = traffic;
    this.#socket = socket;
    this.#handle = handle;
    this.#client = { connectionId, applicationName: null };
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      this.#frames.push(chunk);
      // Stops reading once a complete message is buffered, to slow down clients that send without waiting for
      // replies.
      if (this.#isServing && this.#frames.buffered > MAX_MESSAGE_BYTES) socket.pause();
      if (!this.#isServing) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    try {
      for (let message = this.#frames.next(); message !== null; message = this.#frames.next()) {
        await this.#respond(message);
        if (this.#socket.destroyed) return;
        if (this.#socket.isPaused()) this.#socket.resume();
      }
    } catch {
      this.#socket.destroy();
    } finally {
      this.#isServing = false;
    }
  }

  async #respond(message: Buffer): Promise<void> {
    this.#traffic.bytesIn += message.length;
    this.#traffic.requests += 1;
    let request: Request;
    try {
      request = await readRequest(message);
    } catch (error) {
      await this.#send(encodeReply({ body: faultReply(error) }, requestIdOf(message)));
      if (asFault(error).code === 17) this.#socket.destroySoon();
      return;
    }
    let reply: Reply;
    try {
      reply = await this.#handle(request, this.#client);
    } catch (error) {
      if (error instanceof CloseConnection) throw error;
      reply = { body: faultReply(error) };
    }
    if (!request.wantsReply) return;
    await this.#send(
      request.isLegacy ? encodeLegacyReply(reply.body, request.id) : encodeReply(reply, request.id),
    );
  }

  /** Waits for a slow reader, so that unread replies do not accumulate. */
  async #send(bytes: Buffer): Promise<void> {
    this.#traffic.bytesOut += bytes.length;
    if (this.#socket.destroyed || this.#socket.write(bytes)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once("drain", resolve);
    this.#socket.once("close", resolve);
    await promise;
    this.#socket.off("drain", resolve);
    this.#socket.off("close", resolve);
  }
}
