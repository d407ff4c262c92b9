import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** More hops than any chain of proxies has. */
const MOST_HOPS = 20;

/**
 * The address of the client of a request. `X-Forwarded-For` counts only as far as trusted proxies have written it: it is
 * read from its end, and the first address that is not a trusted proxy is the client. Anything else in it may be forged.
 */
export function clientAddresses(trustedProxies: readonly string[]) {
  const trusted = blockList(trustedProxies);
  const isTrusted = (address: string) => trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

  return ({ socket, headers }: Pick<IncomingMessage, "socket" | "headers">): string => {
    let address = plain(socket.remoteAddress ?? "");
    if (trustedProxies.length === 0 || isIP(address) === 0) return address;
    const forwarded = [headers["x-forwarded-for"] ?? []].flat().join(",").split(",").slice(-MOST_HOPS);
    while (isTrusted(address)) {
      const next = plain(forwarded.pop()?.trim() ?? "");
      if (isIP(next) === 0) return address;
      address = next;
    }
    return address;
  };
}

function blockList(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = "", bits] = entry.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** IPv4 as such, also where a socket for both families reports it. */
function plain(address: string): string {
  return MAPPED.exec(address)?.[1] ?? address;
}
