// Reads `.env` of the current directory, where there is one; variables that are set already win. Preloaded by the npm
// scripts: `node --env-file-if-exists` reports a missing file on every start. Tests start commands without it.
import "./require-node.mjs";
import { existsSync } from "node:fs";

if (existsSync(".env")) process.loadEnvFile(".env");
