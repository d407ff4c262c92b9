import { test } from "node:test";
import type { Bus, DeadLetter } from "../../shared/bus/bus.ts";
import type { Log } from "../../shared/log.ts";
import { LIMIT_MS } from "../eventually.ts";
import { silentLog } from "../silent-log.ts";

/** A started bus with its environment, for one test. */
export interface BusUnderTest {
  readonly bus: Bus;
  /** Another process on the same bus; for the local adapter the bus itself. */
  other(): Promise<Bus>;
  readonly deadLetters: () => Promise<DeadLetter[]>;
  /** Makes storing dead letters fail from now on. */
  refuseDeadLetters(): Promise<void>;
  acceptDeadLetters(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly logger: Log;
  /** The bus has room for a few events only. */
  readonly isTiny?: boolean;
}

export interface Adapter {
  readonly name: string;
  open(options: OpenOptions): Promise<BusUnderTest>;
}

/** Options that let a test see timeouts and retries within a second. */
export const quick = { maxInFlight: 10, ackWaitMs: 400, maxDeliver: 3, backoffMs: [50, 100] } as const;

/** Defines a test with its own bus, which is closed afterwards. */
export function busTest(
  adapter: Adapter,
  rule: string,
  body: (under: BusUnderTest) => Promise<void>,
  options: Partial<OpenOptions> = {},
): void {
  test(`${adapter.name}: ${rule}`, { timeout: 2 * LIMIT_MS }, async () => {
    const under = await adapter.open({ logger: silentLog, ...options });
    try {
      await body(under);
    } finally {
      await under.close();
    }
  });
}
