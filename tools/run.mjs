// The entry point of every command. Plain JavaScript, so that a Node.js that is too old can report that. The compile cache
// must be enabled before the first module is loaded: it stores compiled code and halves the time to start.
import "./require-node.mjs";
import { enableCompileCache } from "node:module";

enableCompileCache();
// Process 1 of a container ignores signals that nothing handles. Until a command handles them itself, they end it.
process.on("SIGINT", () => process.exit(130));
process.on("SIGTERM", () => process.exit(143));
const [command, ...rest] = process.argv.slice(2);
process.argv.splice(2, process.argv.length, ...rest);
await import(`./${command}.ts`);
