import type { IncomingHttpHeaders } from "node:http";
import { API_TOKEN_PREFIX } from "../../../shared/contracts/access-token.ts";

/** What a request proves its identity with. */
export type Credential =
  | { readonly kind: "none" | "malformed" }
  | { readonly kind: "access token" | "API token" | "cookie"; readonly text: string };

/** The cookie of a browser that logged in by a link. */
export const SESSION_COOKIE = "kinit_session";

const BEARER = /^Bearer +([\w.~+/-]+=*)$/i;
/** Far more than a token with every permission has. */
const MAX_LENGTH = 4096;

/** Reads the credential of a request. The header takes precedence: what a program sends on purpose counts. */
export function credentialOf({ authorization, cookie }: IncomingHttpHeaders): Credential {
  if (authorization !== undefined) {
    const text = authorization.length <= MAX_LENGTH ? BEARER.exec(authorization)?.[1] : undefined;
    if (text === undefined) return { kind: "malformed" };
    return { kind: text.startsWith(API_TOKEN_PREFIX) ? "API token" : "access token", text };
  }
  const text = cookieNamed(SESSION_COOKIE, cookie);
  return text === undefined ? { kind: "none" } : { kind: "cookie", text };
}

function cookieNamed(name: string, header = ""): string | undefined {
  if (header.length > MAX_LENGTH * 4) return undefined;
  const pair = header.split(";").find((part) => part.trimStart().startsWith(`${name}=`));
  return pair?.trim().slice(name.length + 1);
}
