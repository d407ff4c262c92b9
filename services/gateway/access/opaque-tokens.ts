import { createHash } from "node:crypto";
import type { Identity } from "../../../shared/contracts/access-token.ts";
import { setNewest } from "../../../shared/newest-entries.ts";

/** A response counts as current for this long; a token that was revoked meanwhile is still accepted. */
const FRESH_MS = 10_000;
/** While the auth service is away, the last response counts for this long. */
const STALE_MS = 300_000;
const MOST_TOKENS = 5000;

export interface OpaqueTokensOptions {
  /** The identity behind the hash of a token, null where there is none; rejects while the auth service is away. */
  readonly identify: (hash: string) => Promise<Identity | null>;
  readonly now: () => number;
}

interface Identified {
  readonly identity: Identity | null;
  readonly at: number;
}

/**
 * The identities behind API tokens and session cookies, which only the auth service knows. Their text stays in this
 * process: the auth service receives its hash.
 */
export class OpaqueTokens {
  readonly #options: OpaqueTokensOptions;
  readonly #known = new Map<string, Identified>();
  readonly #running = new Map<string, Promise<Identity | null>>();

  constructor(options: OpaqueTokensOptions) {
    this.#options = options;
  }

  /** @throws what `identify` throws, unless it returned an identity within the last minutes */
  async verify(token: string): Promise<Identity | null> {
    const now = this.#options.now();
    const hash = createHash("sha256").update(token).digest("hex");
    const known = this.#known.get(hash);
    if (known && now - known.at < FRESH_MS) return known.identity;
    try {
      const identity = await this.#identify(hash);
      setNewest(this.#known, hash, { identity, at: now }, MOST_TOKENS);
      return identity;
    } catch (error) {
      if (known?.identity && now - known.at < STALE_MS) return known.identity;
      throw error;
    }
  }

  /** Something was revoked: every token is looked up again. */
  expireAll(): void {
    for (const [hash, { identity, at }] of this.#known)
      this.#known.set(hash, { identity, at: at - FRESH_MS });
  }

  /** One call for all requests that use the token at the same time. */
  #identify(hash: string): Promise<Identity | null> {
    const started = this.#running.get(hash);
    if (started) return started;
    const call = this.#options.identify(hash).finally(() => this.#running.delete(hash));
    this.#running.set(hash, call);
    return call;
  }
}
