import type { IncomingHttpHeaders } from "node:http";
import { isIP, isIPv4 } from "node:net";
import type { Config } from "../../../shared/config.ts";
import type { Text } from "../texts/language.ts";
import { rejections } from "../texts/messages.ts";
import { type ApiResponse, httpError } from "../wire/response.ts";
import { requestLanguage } from "./gateway-request.ts";

export type GuardConfig = Pick<Config, "serverHost" | "serverNames" | "allowedOrigins">;

/** What the guard reads of a request. */
export interface GuardedRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** The rejection of a request that a foreign page may have sent; undefined for any other request. */
export type RequestGuard = (request: GuardedRequest) => ApiResponse | undefined;

const AUTHORITY = /^(\[[\da-f:.]+\]|[^\s:/?#@\\[\]]+?)\.?(?::\d{1,5})?$/i;
const HTTP_ORIGIN = /^https?:\/\/(.+)$/;
const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Protects a server without passwords from foreign web pages. A page can send requests to any address that the browser
 * reaches, and it can read the responses where its own name resolves to this server (DNS rebinding). Therefore:
 * - `Host` must be a name of this server. Rebinding needs a name, so addresses are accepted unless only loopback is bound.
 * - `Origin`, which browsers add, must be the same server, one of its names, or a configured origin.
 * - A change that the browser reports as cross-site needs a configured origin.
 */
export function requestGuard({ serverHost, serverNames, allowedOrigins }: GuardConfig): RequestGuard {
  const bound = bracketed(serverHost.toLowerCase());
  const names = new Set([bound, ...serverNames.filter((name) => !name.startsWith("."))]);
  const suffixes = serverNames.filter((name) => name.startsWith("."));
  const origins = new Set(allowedOrigins);
  const acceptsAddresses = !isLoopback(bound);

  const isNamed = (host: string) =>
    isLoopback(host) || names.has(host) || suffixes.some((suffix) => host.endsWith(suffix));
  const isOwnHost = (host: string) =>
    isNamed(host) || names.has("*") || (acceptsAddresses && isAddress(host));

  function isOwnOrigin(origin: string, host: string | undefined): boolean {
    const authority = HTTP_ORIGIN.exec(origin)?.[1];
    if (authority === undefined) return false;
    return authority === host?.toLowerCase() || isNamed(hostOf(authority));
  }

  return ({ method = "GET", headers }) => {
    const { host, origin } = headers;
    // Browsers always send a Host; HTTP/1.0 clients such as simple probes may leave it out.
    if (host !== undefined && !isOwnHost(hostOf(host))) return rejection(rejections.foreignHost, headers);
    const isConfigured = origin !== undefined && origins.has(origin.toLowerCase());
    if (isConfigured) return undefined;
    if (origin !== undefined && !isOwnOrigin(origin.toLowerCase(), host)) {
      return rejection(rejections.foreignOrigin, headers);
    }
    const isForeignChange = headers["sec-fetch-site"] === "cross-site" && !READING.has(method);
    return isForeignChange ? rejection(rejections.foreignOrigin, headers) : undefined;
  };
}

/**
 * True where a browser sent the request: only browsers set these headers, and pages cannot suppress them.
 * `Sec-Fetch-Mode` does not count, since Node's `fetch` sends it too.
 */
export function isFromBrowser({ headers }: Pick<GuardedRequest, "headers">): boolean {
  return (
    headers.origin !== undefined ||
    headers["sec-fetch-site"] !== undefined ||
    headers["sec-fetch-dest"] !== undefined
  );
}

function rejection(text: Text, headers: IncomingHttpHeaders): ApiResponse {
  return httpError(403, text[requestLanguage({ headers })]);
}

/** The name or address in `name:port`; empty for anything else, which equals no name. */
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
