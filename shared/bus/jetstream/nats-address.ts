/** What the NATS client needs to connect: it does not read passwords in addresses. */
export interface NatsAddress {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  readonly tls?: object;
}

/**
 * Reads NATS_URL: one address or several, separated by commas. User and password, or a token, are those of the first
 * address, and so is the scheme: `tls://` encrypts.
 */
export function natsAddress(url: string): NatsAddress {
  const servers = url
    .split(",")
    .map((one) => new URL(one.includes("://") ? one.trim() : `nats://${one.trim()}`));
  const { username = "", password = "", protocol } = servers[0] ?? {};
  const [user, pass] = [decodeURIComponent(username), decodeURIComponent(password)];
  return {
    servers: servers.map(({ host }) => host),
    ...(user && pass ? { user, pass } : user ? { token: user } : {}),
    ...(protocol === "tls:" ? { tls: {} } : {}),
  };
}
