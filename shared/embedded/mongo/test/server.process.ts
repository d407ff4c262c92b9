import { startEmbeddedMongo } from "../start-embedded-mongo.ts";

/**
 * Runs an embedded server as a separate process, for tests that kill it. Prints its address, or why it failed to
 * start.
 */
const [dir = "", sync = "full"] = process.argv.slice(2);
try {
  const { url } = await startEmbeddedMongo({
    dir,
    sync: sync === "normal" ? "normal" : "full",
    compactAtBytes: 200_000,
  });
  console.log(url);
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 1;
}
