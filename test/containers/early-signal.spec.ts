import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../eventually.ts";
import { freePort } from "../free-port.ts";
import { noPidNamespaces, spawnInPidNamespace } from "./pid-namespace.ts";

const RUN = fileURLToPath(new URL("../../tools/run.mjs", import.meta.url));

it("process 1 of a container ends on SIGTERM also while it starts", { skip: noPidNamespaces }, async () => {
  const [healthPort, absentNats] = [await freePort(), await freePort()];
  const unshare = spawnInPidNamespace(RUN, ["service", "executor"], {
    HEALTH_PORT: String(healthPort),
    NATS_URL: `nats://127.0.0.1:${absentNats}`,
  });
  const ended = once(unshare, "exit");
  await eventually(() => fetch(`http://127.0.0.1:${healthPort}/health`).catch(() => undefined));
  assert.equal((await fetch(`http://127.0.0.1:${healthPort}/ready`)).status, 503);
  const first = Number(readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, "utf8"));
  process.kill(first, "SIGTERM");
  assert.deepEqual(await ended, [143, null]);
});
