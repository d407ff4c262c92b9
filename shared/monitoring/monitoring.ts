import type { ServiceBroker } from "moleculer";
import { errorMessage } from "../errors.ts";
import { withTimeLimit } from "../time-limit.ts";
import { type Metrics, noMetrics } from "./metrics.ts";

/** One thing that requests, or the services of a process, need. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Why it is not ok, for operators. */
  readonly reason?: string;
  /** What needs attention although it is ok. */
  readonly warning?: string;
}

/** How a process is watched from outside. */
export interface Monitoring {
  readonly metrics: Metrics;
  /** Adds what this process needs to be ready: the check resolves if it is there, and rejects with the reason. */
  addCheck(name: string, check: () => Promise<unknown>): void;
  /** Runs all checks at once; one without a result after `limitMs` counts as failed. Never rejects. */
  checks(limitMs: number): Promise<readonly ReadinessCheck[]>;
}

declare module "moleculer" {
  interface ServiceBroker {
    readonly monitoring?: Monitoring;
  }
}

export function createMonitoring(metrics: Metrics = noMetrics): Monitoring {
  const all: { readonly name: string; readonly check: () => Promise<unknown> }[] = [];
  return {
    metrics,
    addCheck: (name, check) => void all.push({ name, check }),
    checks: (limitMs) =>
      Promise.all(
        all.map(({ name, check }) =>
          withTimeLimit(check(), limitMs, () => new Error(`no response within ${limitMs} ms`)).then(
            () => ({ name, ok: true }),
            (error: unknown) => ({ name, ok: false, reason: errorMessage(error) }),
          ),
        ),
      ),
  };
}

/** The monitoring of a broker's process; one without a reader if the broker has none. */
export function monitoringOf(broker: ServiceBroker): Monitoring {
  return broker.monitoring ?? createMonitoring();
}
