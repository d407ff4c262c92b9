import type { IncomingMessage } from "node:http";
import type { Config } from "../../../shared/config.ts";
import { actorOf, type Identity } from "../../../shared/contracts/access-token.ts";
import { AppError } from "../../../shared/errors.ts";
import { Forbidden } from "../../../shared/permission-check.ts";
import { type Caller, call, readOnlyCall } from "../../../shared/service.ts";
import type { Access } from "../endpoints/route.ts";
import { AccessTokens } from "./access-tokens.ts";
import { clientAddresses } from "./client-address.ts";
import { type Credential, credentialOf } from "./credential.ts";
import { OpaqueTokens } from "./opaque-tokens.ts";
import { RateLimit } from "./rate-limit.ts";
import { type Revocation, Revocations } from "./revocations.ts";
import { isSameOrigin } from "./same-origin.ts";

export type AccessConfig = Pick<
  Config,
  "authEnable" | "accessTokenMs" | "trustedProxies" | "requestsPerMinute"
>;

class Unauthenticated extends AppError {
  constructor() {
    super("The request has no valid access token, API token or session", { type: "UNAUTHENTICATED" });
  }
}

class CrossSiteChange extends AppError {
  constructor() {
    super("A change with a session cookie must come from a page of this server", {
      type: "CROSS_SITE_CHANGE",
    });
  }
}

class TooManyRequests extends AppError {
  constructor(retryAfterMs: number) {
    super("Too many requests", { type: "TOO_MANY_REQUESTS", data: { retryAfterMs } });
  }
}

/** Who makes a request. */
export interface Client {
  /** Null for a request without a login, and with `AUTH_ENABLE=false`. */
  readonly identity: Identity | null;
  readonly address: string;
}

type Request = Pick<IncomingMessage, "headers" | "method" | "socket">;

export interface RequestAccessOptions {
  readonly config: AccessConfig;
  /** The broker. */
  readonly caller: () => Caller;
  readonly now: () => number;
}

/** The one place that authenticates requests and decides whether their route is open to them. */
export class RequestAccess {
  readonly #config: AccessConfig;
  readonly #now: () => number;
  readonly #addressOf: ReturnType<typeof clientAddresses>;
  readonly #accessTokens: AccessTokens;
  readonly #opaqueTokens: OpaqueTokens;
  readonly #revocations: Revocations;
  readonly #limit: RateLimit;

  constructor({ config, caller, now }: RequestAccessOptions) {
    this.#config = config;
    this.#now = now;
    this.#addressOf = clientAddresses(config.trustedProxies);
    const loadKeys = async () => (await call(caller(), "auth.keys", {}, readOnlyCall)).keys;
    this.#accessTokens = new AccessTokens({ loadKeys, now });
    const identify = (hash: string) => call(caller(), "auth.identify", { hash }, readOnlyCall);
    this.#opaqueTokens = new OpaqueTokens({ identify, now });
    this.#revocations = new Revocations(config.accessTokenMs);
    this.#limit = new RateLimit(config.requestsPerMinute);
  }

  /**
   * The client of a request to a route that is open to it. `onIdentified` receives it also where the route is closed to it.
   *
   * @throws `UNAUTHENTICATED`, `FORBIDDEN`, `CROSS_SITE_CHANGE`, `TOO_MANY_REQUESTS`; and what calls to the auth service
   * throw while it is away, unless the identity is known
   */
  async admit(
    request: Request,
    access: Access,
    onIdentified: (client: Client) => void = () => {},
  ): Promise<Client> {
    const address = this.#addressOf(request);
    if (!this.#config.authEnable) return { identity: null, address };
    if (access === "public") {
      this.#take(`address ${address}`);
      return { identity: null, address };
    }
    const credential = credentialOf(request.headers);
    const identity = await this.#identityOf(credential);
    this.#take(identity ? actorOf(identity) : `address ${address}`);
    if (!identity) throw new Unauthenticated();
    onIdentified({ identity, address });
    if (credential.kind === "cookie" && !isSameOrigin(request)) throw new CrossSiteChange();
    if (access !== "logged in" && !identity.permissions.includes(access)) throw new Forbidden(access);
    return { identity, address };
  }

  /** Something was revoked; what was verified before may not be valid any more. */
  revoke(revocation: Revocation): void {
    this.#revocations.add(revocation, this.#now());
    this.#opaqueTokens.expireAll();
  }

  async #identityOf(credential: Credential): Promise<Identity | null> {
    switch (credential.kind) {
      case "access token": {
        const verified = await this.#accessTokens.verify(credential.text);
        if (!verified) return null;
        const { identity, issuedAt } = verified;
        return this.#revocations.isRevoked({ ...identity, issuedAt }) ? null : identity;
      }
      case "API token":
      case "cookie":
        return this.#opaqueTokens.verify(credential.text);
      default:
        return null;
    }
  }

  #take(key: string): void {
    const waitMs = this.#limit.take(key, this.#now());
    if (waitMs > 0) throw new TooManyRequests(waitMs);
  }
}
