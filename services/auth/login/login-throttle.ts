/** Failed logins of one kind: how many there may be before they wait, and how long they wait at most. */
interface Limit {
  readonly free: number;
  readonly mostMs: number;
}

/** One account from one address: a person who types wrong, or a guesser. */
const PAIR: Limit = { free: 5, mostMs: 15 * 60_000 };
/** One address with any accounts: a guesser who tries one password everywhere. */
const ADDRESS: Limit = { free: 20, mostMs: 15 * 60_000 };
/** One account from any addresses: many guessers. Waits are short, because the owner waits as well. */
const ACCOUNT: Limit = { free: 20, mostMs: 10_000 };

const FIRST_WAIT_MS = 1000;
/** Failures are dropped this long after the last one. */
const REMEMBERED_MS = 3_600_000;
/** Keys in memory; the ones that failed least recently are dropped first. */
const MOST_KEYS = 20_000;

interface Failures {
  count: number;
  lastAt: number;
}

export interface LoginAttempt {
  readonly login: string;
  readonly address: string;
  /** Milliseconds. */
  readonly now: number;
}

/**
 * Slows guessing down: after a few failures each further attempt has to wait twice as long as the one before. Owners are
 * not locked out by the failures of others: an address that the account has logged in from does not wait for failures
 * from elsewhere, and waits of an account as a whole are at most ten seconds.
 */
export class LoginThrottle {
  readonly #failures = new Map<string, Failures>();
  /** Pairs of account and address that have logged in. */
  readonly #known = new Map<string, true>();

  /** How long the attempt has to wait, in milliseconds; 0 where it may be made now. */
  waitMs(attempt: LoginAttempt): number {
    const waits = [
      this.#wait(pairKey(attempt), PAIR, attempt.now),
      this.#wait(addressKey(attempt), ADDRESS, attempt.now),
    ];
    if (!this.#known.has(pairKey(attempt))) waits.push(this.#wait(accountKey(attempt), ACCOUNT, attempt.now));
    return Math.max(...waits);
  }

  failed(attempt: LoginAttempt): void {
    for (const key of [pairKey(attempt), addressKey(attempt), accountKey(attempt)])
      this.#count(key, attempt.now);
  }

  /** The failures of the account from this address are over; those of the address with other accounts are not. */
  succeeded(attempt: LoginAttempt): void {
    this.#failures.delete(pairKey(attempt));
    touch(this.#known, pairKey(attempt), true);
  }

  #wait(key: string, { free, mostMs }: Limit, now: number): number {
    const failures = this.#failures.get(key);
    if (!failures || failures.count < free) return 0;
    const wait = Math.min(mostMs, FIRST_WAIT_MS * 2 ** (failures.count - free));
    return Math.max(0, failures.lastAt + wait - now);
  }

  #count(key: string, now: number): void {
    const failures = this.#failures.get(key);
    const isOver = !failures || now - failures.lastAt > REMEMBERED_MS;
    touch(this.#failures, key, { count: isOver ? 1 : failures.count + 1, lastAt: now });
  }
}

const accountKey = ({ login }: LoginAttempt) => `account ${login.toLowerCase()}`;
const addressKey = ({ address }: LoginAttempt) => `address ${address}`;
const pairKey = ({ login, address }: LoginAttempt) => `pair ${address} ${login.toLowerCase()}`;

/** Makes a key the newest one of a bounded map. */
function touch<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MOST_KEYS) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
