import { type ChildProcess, spawn, spawnSync } from "node:child_process";

const UNSHARE = ["--pid", "--fork", "--kill-child", "--mount-proc"];

/** Why no PID namespace can be made here; false where it can. For the `skip` option of tests. */
export const noPidNamespaces: string | false =
  spawnSync("unshare", [...UNSHARE, "true"]).status === 0 ? false : "this system makes no PID namespaces";

/** Starts a Node.js process as in a container of its own: its id is 1, the host name is ours. Killing it ends it. */
export const spawnInPidNamespace = (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess =>
  spawn("unshare", [...UNSHARE, process.execPath, file, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
