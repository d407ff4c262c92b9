import { availableParallelism, cpus, totalmem } from "node:os";

/** One line: count, median, 95th, 99th percentile and the largest, in a unit. */
export function distribution(values: readonly number[], unit: string): string {
  if (values.length === 0) return "nothing measured";
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number).toFixed(1);
  return `n=${sorted.length}  p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}  max ${at(1)} ${unit}`;
}

export function hardware(): string {
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, ${memory} GiB, Node ${process.versions.node}`;
}

export const print = (line: string): void => void process.stdout.write(`${line}\n`);
