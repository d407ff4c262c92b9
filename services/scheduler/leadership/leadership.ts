import { errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { isGone } from "../../../shared/process-identity.ts";
import type { LeaseDocument, LeaseStore } from "./mongo-lease.ts";

export interface LeadershipOptions {
  readonly lease: LeaseStore;
  /** This node's id. */
  readonly holder: string;
  readonly leaseMs: number;
  readonly log: Log;
  /** Starts the leader's work, after the lease of an earlier holder, if any. A rejection gives the lease up. */
  readonly onGained: (epoch: number, previous: LeaseDocument | null) => Promise<void>;
  /** Ends that work. Called before another node can regard the lease as free. */
  readonly onLost: () => Promise<void>;
  /** Why this node cannot do the leader's work at the moment. It then gives the lease up and does not acquire it. */
  readonly impediment?: () => string | null;
}

export interface Leadership {
  start(): void;
  /** Ends the leader's work and releases the lease, so that a standby takes over at once. */
  stop(): Promise<void>;
  isLeader(): boolean;
  /** The epoch under which this node holds the lease; null if it does not. */
  epoch(): number | null;
  /** The store rejected a change of this epoch, because another node has taken over. */
  fenced(epoch: number): void;
  /** Node that holds the lease, if it is known; null otherwise. */
  leader(): string | null;
}

/**
 * Keeps at most one node active. The holder renews the lease after a third of its length and stops, by its own
 * monotonic clock, nine tenths of the length after the last renewal. The others take over when the beat has not changed
 * for a whole length by theirs. A holder that released the lease, or whose process has ended on this host, is replaced
 * at once.
 */
export function createLeadership({
  lease,
  holder,
  leaseMs,
  log,
  onGained,
  onLost,
  impediment = () => null,
}: LeadershipOptions): Leadership {
  const pollMs = Math.min(250, Math.max(20, leaseMs / 10));
  let epoch: number | null = null;
  let validUntil = 0;
  let seen: LeaseDocument | null = null;
  let seenAt = 0;
  /** The only timer for the next step. Setting it replaces the earlier one, so that there is never a second loop. */
  let timer: NodeJS.Timeout | undefined;
  let expiry: NodeJS.Timeout | undefined;
  let stopped = false;
  const inFlight = new Set<Promise<void>>();

  function track(step: Promise<void>): void {
    const tracked = step.finally(() => inFlight.delete(tracked));
    inFlight.add(tracked);
  }

  function next(delay: number): void {
    clearTimeout(timer);
    if (stopped) return;
    timer = setTimeout(() => {
      const step = epoch === null ? follow() : renew(epoch);
      track(
        step.catch((error: unknown) => {
          log.warn({ reason: errorMessage(error) }, "the lease cannot be read or renewed; trying again");
          next(pollMs);
        }),
      );
    }, delay);
  }

  async function follow(): Promise<void> {
    const found = await lease.read();
    if (found?.epoch !== seen?.epoch || found?.beat !== seen?.beat) seenAt = performance.now();
    seen = found;
    const isFree = found === null || found.released || isGone(found) || performance.now() - seenAt >= leaseMs;
    if (isFree && !stopped && impediment() === null) await take(found);
    else next(pollMs);
  }

  async function take(found: LeaseDocument | null): Promise<void> {
    const startedAt = performance.now();
    const gained = await lease.acquire(found);
    if (gained === null) return next(pollMs);
    epoch = gained;
    extend(startedAt);
    log.info({ epoch }, "this scheduler is active");
    next(leaseMs / 3);
    onGained(gained, found).catch((error: unknown) => {
      log.error({ reason: errorMessage(error) }, "the active scheduler could not start its work");
      lose(gained);
    });
  }

  async function renew(held: number): Promise<void> {
    const startedAt = performance.now();
    const isOurs = await lease.renew(held);
    if (epoch !== held) return;
    if (!isOurs) return lose(held);
    const reason = impediment();
    if (reason !== null) return resign(held, reason);
    extend(startedAt);
    next(leaseMs / 3);
  }

  function extend(renewedAt: number): void {
    const held = epoch as number;
    validUntil = renewedAt + leaseMs * 0.9;
    clearTimeout(expiry);
    expiry = setTimeout(() => lose(held), Math.max(0, validUntil - performance.now()));
  }

  /** Ends the work first, then releases the lease, so that a node that can do the work takes over at once. */
  function resign(held: number, reason: string): void {
    log.warn({ epoch: held, reason }, "this scheduler gives up its lease");
    lose(held, () =>
      lease.release(held).catch((error: unknown) => {
        log.warn(
          { reason: errorMessage(error) },
          "the lease could not be released; a standby waits until it expires",
        );
      }),
    );
  }

  /** Does nothing if the lease was lost and acquired again since: the call belongs to an earlier epoch. */
  function lose(held: number, then: () => Promise<void> = async () => {}): void {
    if (epoch !== held) return;
    log.warn({ epoch }, "this scheduler lost its lease and is a standby now");
    epoch = null;
    clearTimeout(expiry);
    clearTimeout(timer);
    seen = null;
    seenAt = performance.now();
    const ended = onLost().catch((error: unknown) => {
      log.error({ reason: errorMessage(error) }, "the scheduler's work did not end cleanly");
    });
    track(ended.then(then).then(() => next(pollMs)));
  }

  return {
    start: () => next(0),

    async stop() {
      stopped = true;
      clearTimeout(timer);
      clearTimeout(expiry);
      await Promise.all(inFlight);
      const held = epoch;
      epoch = null;
      if (held === null) return;
      try {
        await onLost();
      } finally {
        await lease.release(held).catch((error: unknown) => {
          log.warn(
            { reason: errorMessage(error) },
            "the lease could not be released; a standby waits until it expires",
          );
        });
      }
    },

    isLeader: () => epoch !== null && performance.now() < validUntil,
    epoch: () => epoch,
    fenced: (held) => lose(held),
    leader() {
      if (epoch !== null) return holder;
      return seen && !seen.released ? seen.holder : null;
    },
  };
}
