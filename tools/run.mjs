// The entry of every command. Plain JavaScript, so that a Node.js that is too old can say so; and the cache must be on
// before the first module is loaded: it keeps compiled code and stripped types, which halves the time to start.
import "./require-node.mjs";
import { enableCompileCache } from "node:module";

enableCompileCache();
const [command, ...rest] = process.argv.slice(2);
process.argv.splice(2, process.argv.length, ...rest);
await import(`./${command}.ts`);
