import { hash, type Options, parseOptions, verify } from "@node-rs/argon2";
import { AppError } from "../../../shared/errors.ts";

/** The first choice of OWASP for argon2id: 19 MiB, two passes, one thread. */
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const satisfies Options;
/** Hashes at the same time; each needs 19 MiB and about 30 ms of one core. */
const CONCURRENT = 2;
/** Hashes that wait; more than these are rejected. */
const WAITING = 64;

/** Too many passwords wait to be checked. */
export class PasswordCheckBusy extends AppError {
  constructor() {
    super("Too many passwords are being checked; try again in a few seconds", { type: "LOGIN_BUSY" });
  }
}

/** Hashes and checks passwords with argon2id, a few at a time, so that logins neither exhaust memory nor all threads. */
export interface PasswordHash {
  /** @throws PasswordCheckBusy `LOGIN_BUSY` */
  hash(password: string): Promise<string>;
  /**
   * Without a stored hash it takes as long as with one and returns false, so that the time does not show which logins
   * exist.
   *
   * @throws PasswordCheckBusy `LOGIN_BUSY`
   */
  matches(password: string, stored: string | null): Promise<boolean>;
  /** True where a stored hash was made with other costs than today's. */
  isOutdated(stored: string): boolean;
}

export function passwordHash(): PasswordHash {
  const limited = limit(CONCURRENT, WAITING);
  let nobodys: Promise<string> | undefined;
  return {
    hash: (password) => limited(() => hash(password, COST)),
    matches: (password, stored) =>
      limited(async () => {
        nobodys ??= hash("the password of no user", COST);
        const isSame = await verify(stored ?? (await nobodys), password);
        return isSame && stored !== null;
      }),
    isOutdated(stored) {
      const { memoryCost, timeCost, parallelism } = parseOptions(stored);
      return memoryCost !== COST.memoryCost || timeCost !== COST.timeCost || parallelism !== COST.parallelism;
    },
  };
}

/** Runs at most `most` works at the same time and lets at most `waiting` wait. */
function limit(most: number, waiting: number) {
  const queue: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= most) {
      if (queue.length >= waiting) throw new PasswordCheckBusy();
      await new Promise<void>((resolve) => queue.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      // The slot passes to the next one, or becomes free.
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
