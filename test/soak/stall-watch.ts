/** Notices when the machine is too busy to let processes run in time: the platform's cannot keep their limits then. */
export interface StallWatch {
  /** When this process last stood still (ms); minus infinity where it never did. */
  lastStallAt(): number;
  /** Resolves when it has not stood still for so long (ms), or once the limit is over. */
  calm(forMs: number, limitMs: number): Promise<void>;
  stop(): void;
}

const LOOK_MS = 50;
/** Well within the shortest limit that the checks rest on: a run that starts 500 ms late has to be confirmed. */
const STALL_MS = 300;

export function stallWatch(): StallWatch {
  let lookedAt = performance.now();
  let lastStallAt = Number.NEGATIVE_INFINITY;
  const look = (): void => {
    const now = performance.now();
    if (now - lookedAt > LOOK_MS + STALL_MS) lastStallAt = Date.now();
    lookedAt = now;
  };
  const timer = setInterval(look, LOOK_MS);
  return {
    lastStallAt: () => lastStallAt,
    async calm(forMs, limitMs) {
      const from = Date.now();
      const isCalm = (now: number) => now - Math.max(from, lastStallAt) >= forMs || now - from >= limitMs;
      while (!isCalm(Date.now())) await new Promise((then) => setTimeout(then, LOOK_MS));
    },
    stop: () => clearInterval(timer),
  };
}
