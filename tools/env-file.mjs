// Reads `.env` of the current directory if it exists; variables of the environment take precedence. Preloaded by the npm
// scripts: `node --env-file-if-exists` reports a missing file on every start. Tests start commands without it.
import "./require-node.mjs";
import { existsSync } from "node:fs";

if (existsSync(".env")) process.loadEnvFile(".env");
