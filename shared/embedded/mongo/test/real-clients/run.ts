import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startEmbeddedMongo } from "../../start-embedded-mongo.ts";

/*
 * Runs third-party clients against the embedded server: `node shared/embedded/mongo/test/real-clients/run.ts`.
 * It installs them into a temporary directory, so it needs a package registry and is no part of `npm test`.
 */
const PACKAGES = [
  "mongosh@2.12.0",
  "@mikro-orm/core@7.2.1",
  "@mikro-orm/mongodb@7.2.1",
  "agenda@6.2.6",
  "@agendajs/mongo-backend@4.0.3",
  "connect-mongo@6.0.0",
  "express-session@1.19.0",
];
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  "mikro-orm.mjs": [
    "books: One,Two",
    "older: Jon",
    "twin: UniqueConstraintViolationException",
    "rolled back: undo",
    "authors: 1",
  ],
  "connect-mongo.mjs": ['session: {"cookie":{"maxAge":1000},"user":5}', "destroyed: null"],
  "agenda.mjs": ["ran: now", "ran: later", "jobs: 3"],
  "mongosh.js": [
    "collections: items",
    "found: 3,2",
    "groups: a4,b2",
    "updated: 1",
    "deleted: 1",
    "index: n_1",
    "plan: n_1",
    "inside: 3 outside: 2",
    "committed: 3",
    "members: 1",
    "size: 3",
    "refused: 115",
  ],
};
const CLIENT_MS = 60_000;

const directory = await mkdtemp(join(tmpdir(), "kinit-clients-"));
const server = await startEmbeddedMongo({ memory: true });
try {
  await install();
  for (const [script, expected] of Object.entries(EXPECTED)) await runClient(script, expected);
} finally {
  await server.close();
  await rm(directory, { recursive: true, force: true });
}

async function install(): Promise<void> {
  await writeFile(join(directory, "package.json"), JSON.stringify({ private: true, type: "module" }));
  const npm = spawn(
    "npm",
    ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--silent", ...PACKAGES],
    {
      cwd: directory,
      stdio: "inherit",
    },
  );
  const [status] = await once(npm, "exit");
  if (status !== 0) throw new Error(`npm install has ended with status ${status}`);
}

async function runClient(script: string, expected: readonly string[]): Promise<void> {
  const path = join(directory, script);
  await copyFile(fileURLToPath(new URL(script, import.meta.url)), path);
  const shell = join(directory, "node_modules/mongosh/bin/mongosh.js");
  const args = script === "mongosh.js" ? [shell, server.url, "--quiet", path] : [path, server.url];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: directory,
    timeout: CLIENT_MS,
  });
  const printed = new Set(stdout.split("\n").map((line) => line.trim()));
  const missing = expected.filter((line) => !printed.has(line));
  console.log(`${missing.length === 0 ? "passed" : "FAILED"}  ${script}`);
  if (missing.length === 0) return;
  console.log(`  not printed: ${missing.join(" | ")}\n${stdout}`);
  process.exitCode = 1;
}
