import type { IncomingMessage } from "node:http";

const READING = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * False for a change that a browser may have been made to send by a page of another origin. Browsers send cookies
 * with requests of any page of the same site, which includes other ports of the same host; so a change with a cookie
 * must name its origin, and it must be this server.
 */
export function isSameOrigin({
  method = "GET",
  headers,
}: Pick<IncomingMessage, "method" | "headers">): boolean {
  if (READING.has(method)) return true;
  const { origin, host } = headers;
  if (origin === undefined || host === undefined) return headers["sec-fetch-site"] === "same-origin";
  return origin.replace(/^https?:\/\//, "").toLowerCase() === host.toLowerCase();
}
