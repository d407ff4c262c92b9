import { fuzz } from "./fuzz-run.ts";

/** The heap may grow by this much: tasks are stored in memory, and caches fill. */
const MOST_GROWTH = 64 * 1024 * 1024;

const [requests = "5000", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
console.log(`seed ${seed}`);
const { counts, failures, slowest, growth } = await fuzz(Number(requests), Number(seed));
console.log(counts, slowest, `heap grew by ${Math.round(growth / 1024)} KiB`);
for (const failure of failures) console.error(failure);
if (failures.length > 0 || growth > MOST_GROWTH) process.exitCode = 1;
