import type { Server } from "node:http";
import type { Config } from "../../../shared/config.ts";
import { AppError, errorMessage } from "../../../shared/errors.ts";

type Address = Pick<Config, "serverHost" | "serverPort">;

/**
 * Binds a server to its configured address.
 *
 * @throws AppError `GATEWAY_ADDRESS_UNAVAILABLE`
 */
export async function listen(server: Server, address: Address): Promise<void> {
  const bound = Promise.withResolvers<void>();
  server.once("error", bound.reject);
  server.listen(address.serverPort, address.serverHost, bound.resolve);
  try {
    await bound.promise;
  } catch (cause) {
    throw new AppError(describe(cause, address), { type: "GATEWAY_ADDRESS_UNAVAILABLE", cause });
  } finally {
    server.off("error", bound.reject);
  }
}

function describe(cause: unknown, { serverHost, serverPort }: Address): string {
  switch ((cause as NodeJS.ErrnoException).code) {
    case "EADDRINUSE":
      return `Port ${serverPort} of ${serverHost} is in use by another process. Stop that process, or choose another port with SERVER_PORT.`;
    case "EACCES":
      return `This user may not listen on port ${serverPort}. Choose another one with SERVER_PORT.`;
    default:
      return `The gateway cannot listen on ${serverHost}:${serverPort}: ${errorMessage(cause)}. SERVER_HOST has to be an address of this machine, such as 127.0.0.1.`;
  }
}

/** Stops accepting requests and waits for open ones, at most `limitMs`; then their connections are closed. */
export async function closeWithin(server: Server, limitMs: number): Promise<void> {
  if (!server.listening) return;
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  const limit = setTimeout(() => server.closeAllConnections(), limitMs);
  await closed.promise;
  clearTimeout(limit);
}
