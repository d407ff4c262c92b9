import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { BSON, type Document } from "mongodb";

const HEADER_BYTES = 16;
const OP_MSG = 2013;

/** One OP_MSG with a command document, as a driver sends it. */
export function messageOf(command: Document, requestId = 1): Buffer {
  const body = BSON.serialize(command, { ignoreUndefined: true });
  const message = Buffer.alloc(HEADER_BYTES + 5 + body.length);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(requestId, 4);
  message.writeInt32LE(OP_MSG, 12);
  message.set(body, HEADER_BYTES + 5);
  return message;
}

/** A connection without a driver: the test determines every byte sent, including session ids and transaction numbers. */
export class RawConnection {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.on("error", () => {});
  }

  static async open(url: string): Promise<RawConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) });
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  /** The next reply as its raw bytes; null if the server closes the connection instead. */
  async reply(): Promise<Buffer | null> {
    for (;;) {
      if (this.#received.length >= 4) {
        const length = this.#received.readInt32LE(0);
        if (this.#received.length >= length) {
          const reply = this.#received.subarray(0, length);
          this.#received = this.#received.subarray(length);
          return reply;
        }
      }
      if (this.socket.destroyed || this.socket.readableEnded) return null;
      const next = Promise.withResolvers<void>();
      for (const event of ["data", "end", "close"]) this.socket.once(event, next.resolve);
      await next.promise;
      for (const event of ["data", "end", "close"]) this.socket.off(event, next.resolve);
    }
  }

  /** Sends a command and returns the reply's document, also an error reply. */
  async command(command: Document): Promise<Document> {
    this.socket.write(messageOf(command));
    const reply = await this.reply();
    if (reply === null) throw new Error("the server has closed the connection");
    return BSON.deserialize(reply.subarray(HEADER_BYTES + 5));
  }

  close(): void {
    this.socket.destroy();
  }
}
