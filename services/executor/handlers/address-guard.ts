import { lookup as dnsLookup, type LookupAddress } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import { AppError } from "../../../shared/errors.ts";

/** A host that a request must not reach: an address of this machine, its networks, or its cloud's metadata service. */
export class AddressForbidden extends AppError {
  constructor(host: string) {
    super(
      `${host} is a private, loopback, link-local or reserved address; HTTP_REQUEST_ALLOW_PRIVATE=true allows it`,
      { type: "HTTP_ADDRESS_FORBIDDEN" },
    );
  }
}

/** IANA's special-purpose registries, and 168.63.129.16, Azure's platform address. */
const forbiddenV4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "168.63.129.16/32",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/3",
];
/** Includes the prefixes that embed an IPv4 address: NAT64, Teredo, 6to4, IPv4-compatible. */
const forbiddenV6 = [
  "::/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];

const forbidden = new BlockList();
for (const range of forbiddenV4) addRange(range, "ipv4");
for (const range of forbiddenV6) addRange(range, "ipv6");

function addRange(range: string, family: "ipv4" | "ipv6"): void {
  const [net, prefix] = range.split("/") as [string, string];
  forbidden.addSubnet(net, Number(prefix), family);
}

/** Returns true for an address outside public networks; an IPv4-mapped IPv6 address is checked as IPv4. */
export function isForbiddenAddress(address: string): boolean {
  const bare = address.split("%")[0] as string;
  return forbidden.check(bare, isIP(bare) === 6 ? "ipv6" : "ipv4");
}

/**
 * Checks a URL whose host is an address; `guardedLookup` checks names.
 * @throws `HTTP_ADDRESS_FORBIDDEN`
 */
export function assertAllowedHost(url: URL): void {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && isForbiddenAddress(host)) throw new AddressForbidden(host);
}

/**
 * Resolves a name for a connection and rejects it if any of its addresses is forbidden. The connection uses the checked
 * addresses, so a name that resolves differently a moment later cannot bypass the check.
 */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, "", 0);
    if (addresses.some(({ address }) => isForbiddenAddress(address))) {
      // Node passes the error on unchanged; only the declared type requires a system error.
      return callback(new AddressForbidden(hostname) as unknown as NodeJS.ErrnoException, "", 0);
    }
    const first = addresses[0] as LookupAddress;
    if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
