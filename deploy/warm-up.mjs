// Starts everything once while the image is built, so that the compile cache contains the code of every service. Plain
// JavaScript: the image has no shell.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";

const LIMIT_MS = 120_000;
const DATA_DIR = "/tmp/warm-up";
const settings = {
  DATA_DIR,
  SERVER_HOST: "127.0.0.1",
  EMBEDDED_MONGO_SYNC: "normal",
  LOG_LEVEL: "warn",
  // A stop waits for the embedded PostgreSQL to start, which takes minutes on a machine that is busy.
  DRAIN_MS: "100000",
};
const child = spawn(process.execPath, ["tools/run.mjs", "start"], {
  env: { ...process.env, ...settings },
  stdio: "inherit",
});
let code;
child.on("exit", (exit) => {
  code = exit ?? 1;
});

const isReady = () =>
  fetch(`http://127.0.0.1:${process.env.HEALTH_PORT}/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
for (const deadline = Date.now() + LIMIT_MS; code === undefined && !(await isReady()); ) {
  if (Date.now() > deadline) throw new Error(`not ready within ${LIMIT_MS / 1000} s`);
  await new Promise((resolve) => setTimeout(resolve, 200));
}
child.kill("SIGTERM");
while (code === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
rmSync(DATA_DIR, { recursive: true, force: true });
process.exitCode = code;
