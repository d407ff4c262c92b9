import { startEmbeddedMongo } from "@kinit/embedded-mongo";

/** An embedded server as a separate process. Prints its address, or why it did not start. */
const [dir = ""] = process.argv.slice(2);
try {
  const { url } = await startEmbeddedMongo({ dir, compactAtBytes: 200_000 });
  console.log(url);
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 1;
}
