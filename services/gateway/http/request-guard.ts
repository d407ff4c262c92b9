import type { IncomingHttpHeaders } from "node:http";
import { isIP, isIPv4 } from "node:net";
import type { Config } from "../../../shared/config.ts";
import { languageOf, type Text } from "../texts/language.ts";
import { rejections } from "../texts/messages.ts";
import { httpError, type Reply } from "../wire/envelope.ts";

export type GuardConfig = Pick<Config, "serverHost" | "serverNames" | "allowedOrigins">;

/** What the guard looks at. */
export interface GuardedRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** The refusal of a request that a page of somebody else may have sent; undefined where there is nothing against it. */
export type RequestGuard = (request: GuardedRequest) => Reply | undefined;

const AUTHORITY = /^(\[[\da-f:.]+\]|[^\s:/?#@\\[\]]+?)\.?(?::\d{1,5})?$/i;
const HTTP_ORIGIN = /^https?:\/\/(.+)$/;
const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Keeps foreign web pages away from a server that asks for no password. A page can send requests to any address that
 * the browser reaches, and reads the answers where its own name resolves to this server (DNS rebinding). Therefore:
 * - `Host` must be a name of this server. A rebinding needs a name, so any address will do unless only loopback is
 *   bound.
 * - `Origin`, which browsers add, must be the same server, one of its names, or a configured origin.
 * - a change that the browser calls cross-site needs a configured origin.
 */
export function requestGuard({ serverHost, serverNames, allowedOrigins }: GuardConfig): RequestGuard {
  const bound = bracketed(serverHost.toLowerCase());
  const names = new Set([bound, ...serverNames.filter((name) => !name.startsWith("."))]);
  const suffixes = serverNames.filter((name) => name.startsWith("."));
  const origins = new Set(allowedOrigins);
  const takesAddresses = !isLoopback(bound);

  const isNamed = (host: string) =>
    isLoopback(host) || names.has(host) || suffixes.some((suffix) => host.endsWith(suffix));
  const isOwnHost = (host: string) => isNamed(host) || names.has("*") || (takesAddresses && isAddress(host));

  function isOwnOrigin(origin: string, host: string | undefined): boolean {
    const authority = HTTP_ORIGIN.exec(origin)?.[1];
    if (authority === undefined) return false;
    return authority === host?.toLowerCase() || isNamed(hostOf(authority));
  }

  return ({ method = "GET", headers }) => {
    const { host, origin } = headers;
    // Browsers always send a Host; HTTP/1.0 clients such as simple probes may leave it out.
    if (host !== undefined && !isOwnHost(hostOf(host))) return refusal(rejections.foreignHost, headers);
    const isConfigured = origin !== undefined && origins.has(origin.toLowerCase());
    if (isConfigured) return undefined;
    if (origin !== undefined && !isOwnOrigin(origin.toLowerCase(), host)) {
      return refusal(rejections.foreignOrigin, headers);
    }
    const isForeignChange = headers["sec-fetch-site"] === "cross-site" && !READING.has(method);
    return isForeignChange ? refusal(rejections.foreignOrigin, headers) : undefined;
  };
}

/**
 * True where a browser sent the request: only browsers set these headers, and pages cannot suppress them.
 * `Sec-Fetch-Mode` is left aside, since Node's `fetch` sends it too.
 */
export function isFromBrowser({ headers }: Pick<GuardedRequest, "headers">): boolean {
  return (
    headers.origin !== undefined ||
    headers["sec-fetch-site"] !== undefined ||
    headers["sec-fetch-dest"] !== undefined
  );
}

function refusal(text: Text, headers: IncomingHttpHeaders): Reply {
  return httpError(403, text[languageOf(headers["accept-language"])]);
}

/** The name or address in `name:port`; empty where it is neither, so that it equals no name. */
function hostOf(authority: string): string {
  return AUTHORITY.exec(authority)?.[1]?.toLowerCase() ?? "";
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || (host.startsWith("127.") && isIPv4(host));
}

function isAddress(host: string): boolean {
  return isIP(host.startsWith("[") ? host.slice(1, -1) : host) !== 0;
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
